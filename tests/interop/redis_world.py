"""A real redis-server for the tests of redis_test.py, a client that speaks its protocol, and a backend that
shows its session headers and writes the session when it is asked to."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from support import until  # noqa: E402

# PORT, BACKEND and URL are filled in; MORE goes into session.
CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
workers: WORKERS
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /setBoth, set: {myName: name, color: color}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session:
  secrets: [SECRETS]
  store: redis
  redis: {url: "URL", timeout: TIMEOUT}
  headers: {X-Session-Name: myName, X-Session-Color: color, X-Session-Counter: counter}
MORE
log: {access: false}
admin: {address: "127.0.0.1:0"}
"""


def config(url, backend, workers=1, timeout="3s", secrets="{env: SESSION_KEY}", more=""):
    text = CONFIG
    for name, value in {"URL": url, "BACKEND": backend, "WORKERS": workers, "TIMEOUT": timeout,
                        "SECRETS": secrets, "MORE": more}.items():
        text = text.replace(name, str(value))
    return text


class Client:
    """RESP over one socket; an error reply is raised."""

    def __init__(self, address):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(support.PATIENCE)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(("127.0.0.1", address), timeout=support.PATIENCE)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]

    def ask(self, *words):
        self.send(*words)
        return self.reply()


class Redis:
    """redis-server in a folder of its own; start, kill and start again at the same place."""

    def __init__(self, folder, *options, unix=False, port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = port or support.free_port()
        self.unix = str(self.folder / "redis.sock") if unix else None
        place = ["--port", "0", "--unixsocket", self.unix] if unix else ["--port", str(self.port)]
        self.command = ["redis-server", "--bind", "127.0.0.1", *place, "--dir", str(self.folder), "--save", "",
                        "--enable-debug-command", "yes", *options]
        self.url = f"unix:{self.unix}" if unix else f"redis://127.0.0.1:{self.port}/0"
        self.child = None

    def start(self, *login):
        self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def answers():
            if self.child.poll() is not None:
                raise AssertionError(f"redis-server ended: {self.child.returncode}")
            with contextlib.suppress(OSError, RuntimeError):
                with contextlib.closing(Client(self.unix or self.port)) as client:
                    if login:
                        client.ask("AUTH", *login)
                    return client.ask("PING") == "PONG"
        until("redis answers", answers)
        return self

    def kill(self):
        if self.child is not None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
            self.child.wait()
            self.child = None

    def client(self):
        return Client(self.unix or self.port)

    def ask(self, *words):
        with contextlib.closing(self.client()) as client:
            return client.ask(*words)

    def keys(self, database=0):
        with contextlib.closing(self.client()) as client:
            client.ask("SELECT", database)
            return sorted(key.decode() for key in client.ask("KEYS", "*"))

    def hash(self, key):
        flat = self.ask("HGETALL", key)
        return dict(zip([field.decode() for field in flat[::2]], flat[1::2]))

    @contextlib.contextmanager
    def asleep(self, seconds):
        """DEBUG SLEEP under way: nobody is answered until it is over, which leaving the block waits for."""
        with contextlib.closing(self.client()) as client:
            client.ask("PING")
            client.send("DEBUG", "SLEEP", seconds)
            until("redis sleeps", lambda: self.unanswered(0.1))
            yield
            client.reply()

    def unanswered(self, seconds):
        with contextlib.closing(self.client()) as client:
            client.socket.settimeout(seconds)
            client.send("PING")
            try:
                client.socket.recv(10)
                return False
            except TimeoutError:
                return True


class Monitor:
    """What redis is asked, by whom: lines of MONITOR, those from inside scripts apart."""

    def __init__(self, redis):
        self.redis, self.client = redis, redis.client()
        self.client.ask("MONITOR")
        self.marks = 0

    def commands(self):
        """Names of the commands since the last call, as clients sent them."""
        self.marks += 1
        mark = f"mark-{self.marks}"
        self.redis.ask("ECHO", mark)
        names = []
        while True:
            line = self.client.reply()
            words = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
            if words == ["ECHO", mark]:
                return names
            if not re.search(r"\[\d+ lua\]", line):
                names.append(words[0].upper())


class Writer(support.Service):
    """A backend: answers with its X-Session-* headers as JSON. /write?k=v and /hold?k=v ask to set what the
    query says (`clear=1`: to clear); /hold waits for `go` first."""

    def __init__(self):
        self.go, self.held = threading.Event(), threading.Event()
        super().__init__()

    def answer(self, request):
        path, _, query = request.path.partition("?")
        if path == "/hold":
            self.held.set()
            self.go.wait(support.PATIENCE)
        seen = {name: urllib.parse.unquote(value) for name, value in request.headers.items()
                if name.lower().startswith("x-session-")}
        wish = []
        if path in ("/write", "/hold") and query:
            wish = [("X-Session-Clear", "true") if "clear=1" in query else ("X-Session-Set", query)]
        request.say(json.dumps(seen).encode(), headers=wish)

    def close(self):
        self.go.set()
        super().close()


class Proxy(support.Keepsake):
    """keepsake run, with the words of a visitor."""

    def get(self, cookie=None, path="/"):
        return support.request(self.port, path, headers={"Cookie": cookie} if cookie else {})

    def seen(self, cookie=None, path="/"):
        answer = self.get(cookie, path)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)

    def ready(self):
        answer = support.request(self.admin, "/readyz")
        return answer.status, answer.body.strip()

    def name(self, cookie=None):
        return self.seen(cookie).get("X-Session-Name")

    def post(self, path, cookie=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if cookie:
            headers["Cookie"] = cookie
        return support.request(self.port, path, "POST", urllib.parse.urlencode(fields), headers)

    def new(self, name):
        """A visitor with this name: their cookie."""
        answer = self.post("/setName", name=name)
        assert answer.status == 303, (answer.status, self.text)
        return answer.cookie()


class TestCase(support.TestCase):
    def redis(self, *options, login=(), start=True, **place):
        redis = Redis(self.folder / f"redis-{os.urandom(4).hex()}", *options, **place)
        self.addCleanup(redis.kill)
        return redis.start(*login) if start else redis

    def writer(self):
        writer = Writer()
        self.addCleanup(writer.close)
        return writer

    def proxy(self, text, name="keepsake.yaml"):
        proxy = Proxy(self.write(text, name))
        self.addCleanup(proxy.kill)
        return proxy

    def up(self, *options, **settings):
        """One redis, one backend, one keepsake that has found its way to redis."""
        redis = self.redis(*options)
        proxy = self.proxy(config(redis.url, self.writer().port, **settings))
        proxy.said("connected")
        return redis, proxy

    def session_id(self, cookie):
        """The id inside of a cookie, as `keepsake inspect` tells it."""
        done = self.cli("inspect", "--config", str(self.folder / "keepsake.yaml"), cookie.partition("=")[2],
                        SESSION_KEY=support.SECRET)
        return re.search(r"\bid\b\W+([0-9a-f]{32})", done.stdout)[1]

    def key(self, cookie):
        return "keepsake:" + hashlib.sha256(bytes.fromhex(self.session_id(cookie))).hexdigest()


def main(module):
    if not shutil.which("redis-server"):
        print("redis-server is not installed")
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"{module}.{name}" for name in sys.argv[1:]] or [module]
    runner.main()

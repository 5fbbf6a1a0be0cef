"""The program under test, a scripted backend, and a folder for each test. Nothing sleeps in the hope that
something has happened: every wait watches for it, and fails with what the program said."""

import contextlib
import http.client
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KEEPSAKE_BIN", ROOT / "build/release/bin")).absolute()
if BIN.is_dir():
    BIN = BIN / "keepsake"
PATIENCE = 20
SECRET = "0WwLBpBFqZiDoR-xNZBM4x7qGRwvUyeLkhRJDMrS0SM"

# One route of each kind in front of one backend; PORT and BACKEND are filled in.
PLAIN = """\
listen: [{address: 127.0.0.1:PORT}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
log: {access: false}
"""


def plain(port=0, backend=1, more=""):
    return PLAIN.replace("PORT", str(port)).replace("BACKEND", str(backend)) + more


def environment(**variables):
    """A variable that is None is not set."""
    wanted = {**os.environ, "SESSION_KEY": SECRET, **variables}
    return {name: value for name, value in wanted.items() if value is not None}


def until(what, look, seconds=PATIENCE):
    """The first true result of look()."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def taken_port(reuse=False):
    """A port on which another program listens."""
    with socket.socket() as listener:
        if reuse:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Running:
    """A started program, its output collected line by line."""

    def __init__(self, arguments, **options):
        self.child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, text=True, **options)
        self.text = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stderr:
            self.text += line

    def said(self, pattern, since=0):
        """Waits until the log has a match."""
        def look():
            found = re.search(pattern, self.text[since:])
            if not found and self.child.poll() is not None:
                self.reader.join()
                found = re.search(pattern, self.text[since:])
                if not found:
                    raise AssertionError(f"ended ({self.child.returncode}) without saying {pattern!r}:\n{self.text}")
            return found
        try:
            return until(pattern, look)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from None

    def signal(self, number):
        self.child.send_signal(number)

    def ends(self, seconds=PATIENCE):
        """The exit code."""
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds} s:\n{self.text}") from None
        self.reader.join()
        return code

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.reader.join()
        self.child.stderr.close()


class Keepsake(Running):
    """`keepsake run` with its configuration, listening when the constructor returns."""

    def __init__(self, file, preexec_fn=None, **variables):
        super().__init__([BIN, "run", "--config", file], env=environment(**variables), preexec_fn=preexec_fn)
        self.file = file
        try:
            self.port = int(self.said(r"listening on http://127\.0\.0\.1:(\d+)")[1])
            self.said("sessions: ")
        except AssertionError:
            self.kill()
            raise
        admin = re.search(r"listening on 127\.0\.0\.1:(\d+) for administration", self.text)
        self.admin = int(admin[1]) if admin else None

    def reload(self, text, expected):
        """Writes the file anew, sends SIGHUP, and waits for what it says."""
        since = len(self.text)
        pathlib.Path(self.file).write_text(text)
        self.signal(signal.SIGHUP)
        self.said(expected, since)
        return self.text[since:]


class Service:
    """A server in threads of its own on the loopback. What it answers to a GET is up to answer()."""

    def __init__(self, port=0):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                service.answer(self)

            def say(self, body=b"", status=200, headers=()):
                """A whole response; the client may have gone."""
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(OSError):
                    self.end_headers()
                    self.wfile.write(body if status != 204 else b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request):
        raise NotImplementedError

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Backend(Service):
    """Answers with the X-Session-Name that it got. /wait answers once `go` is set; `waiting` says it is there."""

    def __init__(self, port=0):
        self.go, self.waiting = threading.Event(), threading.Event()
        super().__init__(port)

    def answer(self, request):
        if request.path == "/wait":
            self.waiting.set()
            self.go.wait(PATIENCE)
        body = request.headers.get("X-Session-Name") or request.headers.get("X-Who") or "nobody"
        request.say(body.encode(), {"/503": 503, "/204": 204}.get(request.path, 200))

    def close(self):
        self.go.set()
        super().close()


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read().decode()
        self.headers = response.headers

    def cookie(self):
        """NAME=VALUE of its Set-Cookie."""
        return self.headers["Set-Cookie"].partition(";")[0]


def request(port, path, method="GET", body=None, headers=None, connection=None):
    link = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    link.request(method, path, body, headers or {})
    answer = Answer(link.getresponse())
    if connection is None:
        link.close()
    return answer


def set_name(port, name):
    """The session cookie that setting a name gives, as NAME=VALUE."""
    answer = request(port, "/setName", "POST", "name=" + name,
                     {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 303, answer.status
    return answer.cookie()


def raw(port, data):
    """Everything that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as link:
        link.sendall(data)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := link.recv(65536):
                received += piece
        return received


class TestCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keepsake-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, text, name="keepsake.yaml"):
        file = self.folder / name
        file.write_text(text)
        return str(file)

    def cli(self, *arguments, stdin=None, cwd=None, preexec_fn=None, **variables):
        """Runs a command to its end; returns what it left."""
        return subprocess.run([BIN, *arguments], env=environment(**variables), input=stdin, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
                              timeout=PATIENCE, cwd=cwd or self.folder, preexec_fn=preexec_fn)

    def fails(self, code, pattern, *arguments, **options):
        """The command exits with `code`, and its standard error matches."""
        done = self.cli(*arguments, **options)
        self.assertRegex(done.stderr, pattern)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def start(self, text, preexec_fn=None, **variables):
        keepsake = Keepsake(self.write(text), preexec_fn, **variables)
        self.addCleanup(keepsake.kill)
        return keepsake

    def backend(self, port=0):
        backend = Backend(port)
        self.addCleanup(backend.close)
        return backend

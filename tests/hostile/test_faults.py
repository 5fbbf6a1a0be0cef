"""Every fault that the program knows, brought about on the wire: its status, whether the connection goes on, and what
the logs say of it. A fault that joins proxy/base/error.cpp needs a row in proxy/admin/METRICS.md and a way here."""

import contextlib
import json
import re
import socket
import ssl
import struct
import sys
import threading
import unittest

from world import Backend, read_replies, read_to_end, support

sys.path.append(str(support.ROOT / "tests/tls"))
from certificates import Authority  # noqa: E402

MARK = "m4rk3d"  # planted in everything that must stay out of logs
QUERY = "qu3ry"  # in every target: the access log has those, and nothing else may
CONFIG = """\
listen:
  - {address: 127.0.0.1:0}
  - {address: "unix:OWN"}
  - {address: 127.0.0.1:0, tls: PAIR}
workers: 1
backends:
  app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}
  down: {servers: ["http://127.0.0.1:DOWN"]}
  far: {servers: ["http://127.0.0.1:FULL"]}
  deaf: {servers: ["http://127.0.0.1:DEAF"]}
  plain: {servers: ["https://127.0.0.1:RUDE"]}
  stranger: {servers: ["https://127.0.0.1:STRANGER"], tls: {ca: CA, server_name: app.example}}
  ill: {servers: ["http://127.0.0.1:BACKEND"], health_check: {path: /ill, interval: 100ms, timeout: 100ms, unhealthy: 1}}
  itself: {servers: ["unix:OWN"]}
  busy: {servers: ["http://127.0.0.1:BACKEND"], max_requests: 1, queue: {size: 1, timeout: 300ms}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /two, set: {a: a, b: b}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: /down, backend: down}
  - {path: /far, backend: far}
  - {path: /deaf, backend: deaf, limits: {body: 64MiB}}
  - {path: /plain, backend: plain}
  - {path: /stranger, backend: stranger}
  - {path: /ill, backend: ill}
  - {path: /itself, backend: itself}
  - {path: /busy, backend: busy, timeouts: {response: 1m}}
  - {path: /app/wait, backend: app, timeouts: {response: 1m}}
  - {path: /denied, backend: app, deny: [127.0.0.0/8]}
  - {path: /few, backend: app, rate_limits: [{requests: 1, every: 1h}]}
  - {path: /nowhere, host: other, backend: app}
  - {path: /members, backend: app, require: [role]}
  - {path: /staff, backend: app, require: {role: [admin]}}
  - {path: "/app/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName}
  max_values: 2
  max_value: 2000B
  STORE
limits: {body: 50KiB}
timeouts: {header: 1s, body: 1s, response: 1s, connect: 500ms, write: 500ms}
"""
REDIS = f"store: redis\n  redis: {{url: 'redis://:{MARK}@127.0.0.1:DOWN/0', timeout: 200ms}}"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
FAULT = re.compile(r'^    \{"(\w+)", ([CBP]), (\d+),', re.M)
ROW = re.compile(r"^\| `(\w+)` \| (client|backend|proxy) \| (\d+|-) \|", re.M)
# A match that finds neither a route, nor none, nor another method; nothing on the wire brings it about.
IMPOSSIBLE = {"internal": "proxy/exchange/match_route.cpp"}


def known():
    """{word: (side, status)} of the program itself."""
    sides = {"C": "client", "B": "backend", "P": "proxy"}
    found = FAULT.findall((support.ROOT / "proxy/base/error.cpp").read_text())
    return {word: (sides[side], int(status)) for word, side, status in found if word != "none"}


class Logged(support.Running):
    """`keepsake run` whose access log is a file."""

    def __init__(self, folder, text, name):
        file, self.access = folder / f"{name}.yaml", folder / f"{name}.access.log"
        file.write_text(text)
        super().__init__(["sh", "-c", 'exec "$0" run --config "$1" >"$2"', str(support.BIN), str(file), str(self.access)],
                         env=support.environment(SESSION_KEY=MARK + support.SECRET))
        self.port = int(self.said(r"listening on http://127\.0\.0\.1:(\d+)")[1])
        self.tls_port = int(self.said(r"listening on https://127\.0\.0\.1:(\d+)")[1])
        self.said("sessions: ")


def get(path, lines="", method="GET", body=""):
    return (f"{method} {path}?{QUERY} HTTP/1.1\r\nHost: h\r\nCookie: session={MARK}A; other={MARK}B\r\n"
            f"Authorization: Bearer {MARK}C\r\nX-Session-Name: {MARK}D\r\nX-Request-Id: {MARK}E\r\nX-Other: {MARK}F\r\n"
            f"{lines}\r\n{body}")


def form(body, path="/setName", kind=FORM):
    return get(path, f"{kind}Content-Length: {len(body)}\r\n", "POST", body)


def read_reply(link):
    """One response with a length; what comes behind it stays in the socket."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = link.recv(1)
        if not piece:
            return data.decode()
        data += piece
    length = int(re.search(rb"(?i)content-length: (\d+)", data)[1])
    body = b""
    while len(body) < length:
        piece = link.recv(length - len(body))
        if not piece:
            break
        body += piece
    return (data + body).decode()


def reset(link):
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


class Outcome:
    """What the client saw of a fault: the status, or None if it was cut off, and the request's id."""

    def __init__(self, word, status, identity, logged=None):
        self.word, self.status, self.identity, self.logged = word, status, identity, logged or status


class Faults(support.TestCase):
    def setUp(self):
        super().setUp()
        self.world = Backend()
        self.addCleanup(self.world.close)
        answers, other = self.answers()
        self.world.answer = lambda seen: answers.get(seen.target.partition(b"?")[0], other)
        self.authority = Authority(self.folder)
        self.links = contextlib.ExitStack()
        self.addCleanup(self.links.close)

    def answers(self):
        """What the backend says at each path, and whether it closes then; what it says at any other."""
        secret = MARK.encode()
        ok = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=%b\r\nX-Secret: %b\r\n" % (secret, secret)
        return {
            b"/app/bad-head": (ok + b"broken %b\r\n\r\n" % secret, True),
            b"/app/bad-length": (ok + b"Content-Length: %b\r\n\r\n" % secret, True),
            b"/app/bad-chunk": (ok + b"Transfer-Encoding: chunked\r\n\r\n%b\r\n" % secret, True),
            b"/app/closed": (b"", True),
            b"/app/garbage": (b"%b %b\r\n\r\n" % (secret, secret), True),
            b"/app/big": (ok + b"X: " + secret * 20_000 + b"\r\n\r\n", True),
            b"/app/switch": (b"HTTP/1.1 101 %b\r\nUpgrade: websocket\r\n\r\n" % secret, True),
            b"/app/slow": (b"", False),
            b"/app/wait": (b"", False),
            b"/busy": (b"", False),
            b"/ill": (b"HTTP/1.1 500 %b\r\nX-Secret: %b\r\nContent-Length: 6\r\n\r\n%b" % (secret, secret, secret), False),
            b"/app/long": (ok + b"Content-Length: 20000000\r\n\r\n" + secret * 3_000_000, True),
            b"/app/cut": (ok + b"Content-Length: 1000\r\n\r\n" + secret, True),
            b"/app/cut-chunks": (ok + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + secret, True),
            b"/app/overwrite": (ok + b"Set-Cookie: session=%b\r\nContent-Length: 0\r\n\r\n" % secret, False),
            b"/app/role": (ok + b"X-Session-Set: role=guest\r\nContent-Length: 0\r\n\r\n", False),
            b"/app/write": (ok + b"X-Session-Set: myName=" + secret * 1000 + b"\r\nContent-Length: 0\r\n\r\n", False),
        }, (ok + b"Content-Length: %d\r\n\r\n%b" % (len(secret), secret), False)

    def listener(self, **options):
        return self.links.enter_context(socket.create_server(("127.0.0.1", 0), **options))

    def full(self):
        """A listener whose queue is full: the kernel drops who comes next."""
        listener = self.listener(backlog=0)
        while True:
            link = self.links.enter_context(socket.socket())
            link.settimeout(0.3)
            try:
                link.connect(listener.getsockname())
            except TimeoutError:
                return listener

    def deaf(self):
        """Takes a link and reads nothing of it."""
        listener = self.listener()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return listener

    def serving(self, serve):
        listener = self.listener()

        def run():
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    with link, contextlib.suppress(OSError):
                        serve(link)
        threading.Thread(target=run, daemon=True).start()
        return listener

    def rude(self):
        """Says something in plain text where TLS is expected."""
        return self.serving(lambda link: (link.sendall(f"HTTP/1.1 400 {MARK}\r\n\r\n{MARK}".encode()), link.recv(65536)))

    def stranger(self):
        """Shows a certificate that speaks of somebody else."""
        pair = self.authority.make("stranger", f"{MARK}.example", subject=f"/O={MARK}/CN={MARK}.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        return self.serving(lambda link: context.wrap_socket(link, server_side=True).close())

    def start(self, log):
        down = support.free_port()
        text = CONFIG
        for name, value in (("FULL", self.full()), ("DEAF", self.deaf()), ("RUDE", self.rude()),
                            ("STRANGER", self.stranger())):
            text = text.replace(name, str(value.getsockname()[1]))
        text = text.replace("PAIR", self.authority.make("server", "app.example").yaml(""))
        text = text.replace("CA,", f"{self.authority.file},").replace("BACKEND", str(self.world.port)) + log
        self.keepsake, self.storeless = (
            Logged(self.folder, text.replace("STORE", store).replace("DOWN", str(down)).replace("OWN", f"{self.folder}/{name}.sock"), name)
            for name, store in (("cookie", "store: cookie"), ("redis", REDIS)))
        for program in (self.keepsake, self.storeless):
            self.addCleanup(program.kill)

    def connect(self, port=None):
        link = socket.create_connection(("127.0.0.1", port or self.keepsake.port), timeout=support.PATIENCE)
        return self.links.enter_context(link)

    def told(self, word, request, closes, status=None, port=None):
        """The client gets an error with the request's id, and then the end or the answer to its next request."""
        with self.connect(port) as link:
            sender = threading.Thread(target=self.send, args=(link, request.encode("latin-1")))
            sender.start()
            reply = read_reply(link)
            status = status or known()[word][1]
            self.assertEqual(reply[9:12], str(status), f"{word}: {request[:300]!r}: {reply!r}")
            self.assertNotIn(MARK, reply, word)
            self.assertNotIn(QUERY, reply, word)
            self.assertEqual("\r\nConnection: close\r\n" in reply, closes, f"{word}: {reply!r}")
            if closes:
                self.assertEqual(read_to_end(link), (b"", False), word)
            else:
                link.sendall(get("/setName").encode())
                self.assertEqual(read_reply(link)[9:12], "405", word)
            sender.join()
        return Outcome(word, status, re.search(r'"request_id":"([0-9a-f]{32})"', reply)[1])

    def send(self, link, data):
        with contextlib.suppress(OSError):  # of a long body that nobody wants
            link.sendall(data)

    def seen(self, path):
        """The id of the request that has reached the backend."""
        mine = [seen for seen in self.world.requests if seen.target.startswith(path.encode() + b"?")]
        return mine and mine[-1].values(b"x-request-id")[0].decode()

    def cut(self, word, path, logged):
        """The client leaves or is cut off within the response."""
        with self.connect() as link:
            link.sendall(get(path).encode())
            support.until(f"{path} is at the backend", lambda: self.seen(path))
            if word == "client_gone":
                reset(link)
            else:
                support.until("it is cut off", lambda: link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        return Outcome(word, None, self.seen(path), logged)

    def broken_off(self, path, version):
        """The response ends where the backend closed. Its framing shows the loss, or else a reset does."""
        with self.connect() as link:
            link.sendall(get(path).replace("HTTP/1.1", version).encode())
            received, was_reset = read_to_end(link)
        [reply], _ = read_replies(received, [b"GET"], not was_reset)
        self.assertEqual((reply.status, reply.whole), (200, False), received)
        self.assertIn(MARK.encode(), reply.body)
        framed = reply.values(b"content-length") + reply.values(b"transfer-encoding")
        self.assertEqual(was_reset, not framed, received)
        return Outcome("backend_closed", None, self.seen(path), 200)

    def occupied(self, wait):
        """A request that finds the only place taken, and one that finds the queue full as well."""
        with self.connect() as first, self.connect() as second:
            first.sendall(get("/busy").encode())
            support.until("the place is taken", lambda: self.seen("/busy"))
            if not wait:
                second.sendall(get("/busy").encode())
                # That one waits: others find the queue full until it is told so, too.
                outcome = self.told("overloaded", get("/busy"), False)
                self.assertEqual(read_reply(second)[9:12], "503")
            else:
                outcome = self.told("overloaded", get("/busy"), False)
            reset(first)
        return outcome

    def without_a_server(self):
        def refused():
            with self.connect() as link:
                link.sendall(get("/ill").encode())
                return read_reply(link)[9:12] == "503"
        support.until("the check has failed", refused)
        return self.told("no_server", get("/ill"), False)

    def limited(self):
        with self.connect() as link:
            link.sendall(get("/few").encode())
            self.assertEqual(read_reply(link)[9:12], "200")
        return self.told("rate_limited", get("/few"), False)

    def too_many(self):
        with self.connect() as link:
            link.sendall(form("a=1&b=2", "/two").encode())
            cookie = re.search(r"Set-Cookie: (session=[^;]+)", read_reply(link))[1]
        return self.told("too_many_values", form(f"name={MARK}", kind=f"Cookie: {cookie}\r\n{FORM}"), False)

    def of_another_role(self):
        with self.connect() as link:
            link.sendall(get("/app/role").encode())
            cookie = re.search(r"Set-Cookie: (session=[^;]+)", read_reply(link))[1]
        return self.told("session_refused", get("/staff", f"Cookie: {cookie}\r\n"), False)

    def ways(self):
        """(word, request, whether the connection ends), or (word, what brings it about)."""
        upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 6\r\n"
        return [
            ("bad_host", get("/", "Host: g\r\n"), True),
            ("bad_request", get("/", f"X : {MARK}\r\n"), True),
            ("bad_request", get("/", f"X: {MARK}\0\r\n"), True),
            ("bad_target", get("/../x"), True),
            ("ambiguous_path", get("/Denied"), False),
            ("target_too_long", get("/" + MARK * 2000), True),
            ("head_too_large", get("/", f"X: {MARK * 4000}\r\n"), True),
            ("bad_version", get("/").replace("HTTP/1.1", "HTTP/2.0"), True),
            ("unknown_coding", get("/", f"Transfer-Encoding: {MARK}\r\n"), True),
            ("bad_expectation", get("/", f"Expect: {MARK}\r\n"), True),
            ("not_found", get("/nowhere"), False),
            ("method_not_allowed", get("/setName"), False),
            ("cross_site", get("/setName", "Sec-Fetch-Site: cross-site\r\n", "POST"), False),
            ("session_required", get("/members"), False),
            ("session_refused", self.of_another_role),
            ("foreign_destination", get("/app/ok", f"Destination: http://{MARK}.example/app/ok\r\n"), False),
            ("prefetch", get("/reset", "Sec-Purpose: prefetch\r\n"), False),
            ("head_timeout", f"GET /{MARK}?{QUERY} HTTP/1.1\r\nX: {MARK}", True),
            ("body_timeout", get("/app/ok", "Content-Length: 100\r\n", "POST", MARK), True),
            ("body_too_large", get("/app/ok", "Content-Length: 100000\r\n", "POST", MARK), True),
            ("bad_body", get("/app/ok", "Transfer-Encoding: chunked\r\n", "POST", f"{MARK}\r\n"), True),
            ("wrong_media_type", form(f"name={MARK}", kind=f"Content-Type: {MARK}\r\n"), True),
            ("bad_form", form(f"name={MARK}%zz"), False),
            ("missing_field", form(f"nome={MARK}"), False),
            ("value_too_large", form(f"name={MARK * 700}"), False),
            ("too_many_values", self.too_many),
            ("session_too_large", form(f"a={MARK * 333}&b={MARK * 333}", "/two"), False),
            ("bad_upgrade", get("/app/ws", upgrade, "GET", MARK), True),
            ("rate_limited", self.limited),
            ("address_denied", get("/denied"), False),
            ("plain_http", lambda: self.told("plain_http", get("/"), True, port=self.keepsake.tls_port)),
            ("client_gone", lambda: self.cut("client_gone", "/app/wait", 499)),
            ("client_stalled", lambda: self.cut("client_stalled", "/app/long", 499)),
            ("backend_unreachable", get("/down"), False),
            ("backend_connect_timeout", get("/far"), False),
            ("backend_timeout", get("/app/slow"), False),
            ("backend_closed", get("/app/closed"), False),
            ("backend_closed", lambda: self.broken_off("/app/cut", "HTTP/1.1")),
            ("backend_closed", lambda: self.broken_off("/app/cut-chunks", "HTTP/1.1")),
            ("backend_closed", lambda: self.broken_off("/app/cut-chunks", "HTTP/1.0")),
            ("backend_bad_response", get("/app/bad-head"), False),
            ("backend_bad_response", get("/app/bad-length"), False),
            ("backend_bad_response", get("/app/bad-chunk"), False),
            ("backend_bad_response", get("/app/garbage"), False),
            ("backend_bad_response", get("/app/switch"), False),
            ("backend_head_too_large", get("/app/big"), False),
            ("backend_stalled", get("/deaf", "Content-Length: 30000000\r\n", "POST", MARK * 5_000_000), True),
            ("backend_tls", get("/plain"), False),
            ("backend_tls", get("/stranger"), False),
            ("no_server", self.without_a_server),
            ("loop", get("/itself"), False),
            ("overloaded", lambda: self.occupied(True)),
            ("overloaded", lambda: self.occupied(False)),
            ("store_down", lambda: self.told("store_down", form(f"name={MARK}"), False, port=self.storeless.port)),
        ]

    def bring_about(self, log):
        """[(outcome, side)] of every way, and the logs: those of faults, those of requests."""
        self.start(log)
        outcomes = []
        for word, how, *closes in self.ways():
            with self.subTest(word=word):
                outcomes.append(how() if callable(how) else self.told(word, how, closes[0]))
        for path in ("/app/overwrite", "/app/write", "/app/ok"):  # no faults, and as silent
            with self.connect() as link:
                link.sendall(get(path).encode())
                self.assertEqual(read_reply(link)[9:12], "200")
        self.links.close()
        for program in (self.keepsake, self.storeless):
            program.signal(15)
            self.assertEqual(program.ends(), 0, program.text)
        said = [line for program in (self.keepsake, self.storeless) for line in program.text.splitlines()]
        access = [line for program in (self.keepsake, self.storeless) for line in program.access.read_text().splitlines()]
        for line in said + [line.replace(f"?{QUERY}", "", 1) for line in access]:
            self.assertNotIn(MARK, line)
            self.assertNotIn(QUERY, line)
        return [(outcome, known()[outcome.word][0]) for outcome in outcomes], said, access

    def fault_lines(self, outcome, side, said, count):
        """That many lines tell of the fault of this request, and each of them tells who was at fault."""
        mine = [line for line in said if " fault " in line and outcome.identity in line]
        self.assertEqual(len(mine), count, mine)
        for line in mine:
            self.assertRegex(line, rf"{side} fault {outcome.word} from 127\.0\.0\.1.*\(request {outcome.identity}\)")

    def test_the_text_logs(self):
        outcomes, said, access = self.bring_about("")
        for outcome, side in outcomes:
            with self.subTest(word=outcome.word):
                [line] = [line for line in access if outcome.identity in line]
                self.assertRegex(line, rf'" {outcome.logged} .* {side}:{outcome.word}$')
                self.fault_lines(outcome, side, said, 0 if side == "client" else 1)

    def test_the_json_logs(self):
        outcomes, said, access = self.bring_about("log: {format: json}\n")
        for outcome, side in outcomes:
            with self.subTest(word=outcome.word):
                [line] = [json.loads(line) for line in access if outcome.identity in line]
                self.assertEqual((line["status"], line["fault"], line["at_fault"]), (outcome.logged, outcome.word, side))
                self.fault_lines(outcome, side, said, 0 if side == "client" else 1)
        for line in said:
            self.assertTrue(json.loads(line)["message"], line)

    def test_the_log_of_everything(self):
        outcomes, said, access = self.bring_about("log: {level: trace, access: false}\n")
        self.assertEqual(access, [])
        for outcome, side in outcomes:
            with self.subTest(word=outcome.word):
                self.fault_lines(outcome, side, said, 1)


class Table(unittest.TestCase):
    """No fault without a way to bring it about, and none that operators cannot look up."""

    def test_every_fault_has_a_way(self):
        ways = {way[0] for way in Faults().ways()}
        self.assertEqual(ways | IMPOSSIBLE.keys(), known().keys())
        self.assertFalse(ways & IMPOSSIBLE.keys())

    def test_what_cannot_happen_is_said_in_one_place_only(self):
        for word, place in IMPOSSIBLE.items():
            name = "Fault::" + word.title().replace("_", "")
            sources = sorted((support.ROOT / "proxy").rglob("*.cpp"))
            users = [str(file.relative_to(support.ROOT)) for file in sources if re.search(rf"{name}\b", file.read_text())]
            self.assertEqual(users, [place])

    def test_the_manual_has_every_fault(self):
        rows = ROW.findall((support.ROOT / "proxy/admin/METRICS.md").read_text())
        self.assertEqual({word: (side, int(status.replace("-", "0"))) for word, side, status in rows}, known())


if __name__ == "__main__":
    unittest.main()

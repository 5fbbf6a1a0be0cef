import json
import os
import pathlib
import re
import socket
import time
import unittest

from world import Backend, read_to_end, support

MARK = "m4rk3d"  # planted in everything that must stay out of logs
LOGGED = """\
listen: [{address: 127.0.0.1:0}]
workers: 1
backends:
  app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}
  down: {servers: ["http://127.0.0.1:DOWN"]}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: /down, backend: down}
  - {path: /nowhere, host: other, backend: app}
  - {path: "/app/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
limits: {body: 50KiB}
timeouts: {header: 500ms, body: 500ms, response: 500ms}
"""
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Logged(support.Running):
    """`keepsake run` whose access log is a file."""

    def __init__(self, folder, text):
        file, self.access = pathlib.Path(folder) / "keepsake.yaml", pathlib.Path(folder) / "access.log"
        file.write_text(text)
        super().__init__(["sh", "-c", 'exec "$0" run --config "$1" >"$2"', str(support.BIN), str(file), str(self.access)],
                         env=support.environment())
        self.port = int(self.said(r"listening on http://127\.0\.0\.1:(\d+)")[1])
        self.said("sessions: ")


def plant(lines=""):
    return (f"Cookie: session={MARK}A; other={MARK}B\r\nAuthorization: Bearer {MARK}C\r\nX-Session-Name: {MARK}D\r\n"
            f"X-Other: {MARK}E\r\n" + lines)


class Logs(support.TestCase):
    """For every fault one line says who was at fault, with the request's id, and no log holds a secret."""

    def setUp(self):
        super().setUp()
        self.world = Backend()
        self.addCleanup(self.world.close)
        self.world.answer = self.answer

    def answer(self, seen):
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
            b"/app/cut": (ok + b"Content-Length: 1000\r\n\r\n" + secret, True),
            b"/app/overwrite": (ok + b"Set-Cookie: session=%b\r\nContent-Length: 0\r\n\r\n" % secret, False),
            b"/app/write": (ok + b"X-Session-Set: myName=" + secret * 100 + b"\r\nContent-Length: 0\r\n\r\n", False),
        }.get(seen.target, (ok + b"Content-Length: %d\r\n\r\n%b" % (len(secret), secret), False))

    def send(self, text):
        with socket.create_connection(("127.0.0.1", self.keepsake.port), timeout=support.PATIENCE) as link:
            link.sendall(text.encode("latin-1"))
            return read_to_end(link)[0].decode("latin-1")

    def faults(self):
        """(name, request, status or None, side, word) of every fault that a client can cause or see."""
        def get(path, lines="", method="GET", body=""):
            return f"{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{plant(lines)}\r\n{body}"

        def form(body, kind=FORM):
            return get("/setName", f"{kind}Content-Length: {len(body)}\r\n", "POST", body)
        return [
            (get("/", "Host: g\r\n"), 400, "client", "bad_host"),
            (get("/", f"X : {MARK}\r\n"), 400, "client", "bad_request"),
            (get("/", f"X: {MARK}\0\r\n"), 400, "client", "bad_request"),
            (get("/../x"), 400, "client", "bad_target"),
            (get("/" + MARK * 2000), 414, "client", "target_too_long"),
            (get("/", f"X: {MARK * 4000}\r\n"), 431, "client", "head_too_large"),
            (get("/").replace("HTTP/1.1", "HTTP/2.0"), 505, "client", "bad_version"),
            (get("/", f"Transfer-Encoding: {MARK}\r\n"), 501, "client", "unknown_coding"),
            (get("/", f"Expect: {MARK}\r\n"), 417, "client", "bad_expectation"),
            (get("/nowhere"), 404, "client", "not_found"),
            (get("/setName"), 405, "client", "method_not_allowed"),
            (get("/setName", "Sec-Fetch-Site: cross-site\r\n", "POST"), 403, "client", "cross_site"),
            (get("/reset", "Sec-Purpose: prefetch\r\n"), 403, "client", "prefetch"),
            (f"GET /{MARK} HTTP/1.1\r\nX: {MARK}", 408, "client", "head_timeout"),
            (get("/app/ok", "Content-Length: 100\r\n", "POST", MARK), 408, "client", "body_timeout"),
            (get("/app/ok", "Content-Length: 100000\r\n", "POST", MARK), 413, "client", "body_too_large"),
            (get("/app/ok", "Transfer-Encoding: chunked\r\n", "POST", f"{MARK}\r\n"), 400, "client", "bad_body"),
            (form(f"name={MARK}", f"Content-Type: {MARK}\r\n"), 415, "client", "wrong_media_type"),
            (form(f"name={MARK}%zz"), 400, "client", "bad_form"),
            (form(f"nome={MARK}"), 400, "client", "missing_field"),
            (form(f"name={MARK * 100}"), 413, "client", "value_too_large"),
            (get("/app/ws", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 6\r\n", "GET", MARK), 400, "client",
             "bad_upgrade"),
            (get("/app/bad-head"), 502, "backend", "backend_bad_response"),
            (get("/app/bad-length"), 502, "backend", "backend_bad_response"),
            (get("/app/bad-chunk"), 502, "backend", "backend_bad_response"),
            (get("/app/garbage"), 502, "backend", "backend_bad_response"),
            (get("/app/switch"), 502, "backend", "backend_bad_response"),
            (get("/app/closed"), 502, "backend", "backend_closed"),
            (get("/app/big"), 502, "backend", "backend_head_too_large"),
            (get("/app/slow"), 504, "backend", "backend_timeout"),
            (get("/down"), 502, "backend", "backend_unreachable"),
            (get("/app/cut"), None, "backend", "backend_closed"),
        ]

    def start_with(self, log):
        text = LOGGED.replace("BACKEND", str(self.world.port)).replace("DOWN", str(support.free_port()))
        self.keepsake = Logged(self.folder, text + log)
        self.addCleanup(self.keepsake.kill)

    def check(self, log, line_of):
        self.start_with(log)
        answers = []
        for request, status, side, word in self.faults():
            answer = self.send(request)
            if status is not None:
                self.assertEqual(answer[9:12], str(status), f"{request[:300]!r}: {answer!r}")
                self.assertNotIn(MARK, answer)
                identity = re.search(r'"request_id":"([0-9a-f]{32})"', answer)[1]
            else:
                identity = None
            answers.append((identity, status, side, word))
        self.assertEqual(self.send(f"POST /setName HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{FORM}Content-Length: 11\r\n\r\n"
                                   f"name={MARK}")[9:12], "303")
        for path in ("/app/overwrite", "/app/write", "/app/ok"):
            self.send(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{plant()}\r\n")
        time.sleep(0.3)  # the access log is written every 100 ms; reading it early would only hide lines
        self.keepsake.signal(15)
        self.assertEqual(self.keepsake.ends(), 0, self.keepsake.text)
        access = self.keepsake.access.read_text()
        for identity, status, side, word in answers:
            with self.subTest(word=word, status=status):
                line_of(access, self.keepsake.text, identity, status, side, word)
        # The target of a request is logged, as everywhere; nothing else of what was planted is.
        for text in (self.keepsake.text, access):
            for line in text.splitlines():
                self.assertNotIn(MARK, line)

    def in_one_line(self, lines, identity):
        mine = [line for line in lines if identity in line]
        self.assertEqual(len(mine), 1, mine)
        return mine[0]

    def test_the_text_log(self):
        def line_of(access, log, identity, status, side, word):
            if identity is None:
                self.assertRegex(access, rf'"GET /app/cut HTTP/1.1" 200 .* {side}:{word}\n')
                self.assertRegex(log, rf"{side} fault {word} from 127\.0\.0\.1.*\(request [0-9a-f]{{32}}\)")
                return
            line = self.in_one_line(access.splitlines(), identity)
            self.assertRegex(line, rf'" {status} .* {side}:{word}$')
            if side == "backend":
                self.assertRegex(log, rf"{side} fault {word} from 127\.0\.0\.1.*\(request {identity}\)")
        self.check("", line_of)

    def test_the_json_log(self):
        def line_of(access, _, identity, status, side, word):
            if identity is None:
                return
            line = json.loads(self.in_one_line(access.splitlines(), identity))
            self.assertEqual((line["status"], line["fault"], line["at_fault"]), (status, word, side))
        self.check("log: {format: json}\n", line_of)

    def test_the_log_of_everything(self):
        def line_of(_, log, identity, __, side, word):
            if identity is not None:
                self.assertRegex(log, rf"{side} fault {word} from 127\.0\.0\.1.*\(request {identity}\)")
        self.check("log: {level: trace, access: false}\n", line_of)


if __name__ == "__main__":
    unittest.main()

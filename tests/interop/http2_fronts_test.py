#!/usr/bin/env python3
"""Other proxies in front that speak HTTP/2 to Keepsake: HAProxy, nghttpx and Caddy.
    http2_fronts_test.py [CLASS[.test]...]"""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from support import until  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
trusted_proxies: [127.0.0.1]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
log: {access: false}
"""
PATHS = os.environ.get("PATH", "") + ":/usr/sbin"
PROGRAMS = {name: shutil.which(name, path=PATHS) for name in ("haproxy", "nghttpx", "caddy")}
SOME = bytes(range(256)) * 8192  # 2 MiB, more than any window
UPGRADE = ("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class App(support.Backend):
    """/size?N answers N bytes; a POST is answered with the SHA-256 of its body; /socket becomes a WebSocket that echoes bytes."""

    def answer(self, request):
        if request.path.startswith("/size?"):
            size = int(request.path.partition("?")[2])
            return request.say(SOME[:size])
        if request.path == "/socket":
            return self.become_socket(request)
        super().answer(request)

    def become_socket(self, request):
        key = request.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        request.wfile.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        request.close_connection = True
        with contextlib.suppress(OSError):
            while piece := request.connection.recv(4096):
                request.connection.sendall(piece)

    def __init__(self):
        super().__init__()
        self.server.handle_error = lambda *_: None  # of connections that Keepsake gave up because their client did

        def do_POST(request):
            if request.headers["Transfer-Encoding"]:
                body = b""
                while size := int(request.rfile.readline(), 16):
                    body += request.rfile.read(size)
                    request.rfile.readline()
                request.rfile.readline()
            else:
                body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
            request.say(hashlib.sha256(body).hexdigest().encode())
        self.server.RequestHandlerClass.do_POST = do_POST
        self.server.socket.listen(200)  # a connection with a hundred streams comes with as many requests at once


class Fronts:
    """The tests of every front; `arguments` starts it."""

    def setUp(self):
        super().setUp()
        if PROGRAMS[self.program] is None:
            self.skipTest(f"{self.program} is not installed")
        self.app = App()
        self.addCleanup(self.app.close)
        self.config = CONFIG.replace("BACKEND", str(self.app.port))
        self.keepsake = self.start(self.config)
        self.front = support.free_port()
        log = (self.folder / "front.log").open("w")
        self.addCleanup(log.close)
        child = subprocess.Popen([PROGRAMS[self.program], *self.arguments()], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(self.folder)})

        def end():
            child.kill()
            child.wait()
        self.addCleanup(end)

        def answers():
            if child.poll() is not None:
                raise AssertionError((self.folder / "front.log").read_text())
            with contextlib.suppress(OSError):
                return support.request(self.front, "/").status == 200
        until(f"{self.program} answers", answers)

    def figure(self, name):
        text = support.request(self.keepsake.admin, "/metrics").body
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def test_a_visitor_sets_a_name_and_is_greeted_by_it(self):
        cookie = support.set_name(self.front, "Ada")
        self.assertEqual(support.request(self.front, "/", headers={"Cookie": cookie}).body, "Ada")
        self.assertEqual(support.request(self.front, "/", headers={"X-Session-Name": "Eve"}).body, "nobody")
        self.assertGreaterEqual(self.figure("keepsake_http2_streams_total"), 3)

    def test_uploads_and_downloads_arrive_whole(self):
        known = hashlib.sha256(SOME).hexdigest()
        self.assertEqual(support.request(self.front, "/", "POST", SOME).body, known)
        pieces = (SOME[at:at + 50_000] for at in range(0, len(SOME), 50_000))
        self.assertEqual(support.request(self.front, "/", "POST", pieces).body, known)
        link = http.client.HTTPConnection("127.0.0.1", self.front, timeout=support.PATIENCE)
        self.addCleanup(link.close)
        for size in (0, 1, 16_384, 65_536, len(SOME)):
            link.request("GET", f"/size?{size}")
            self.assertEqual(link.getresponse().read(), SOME[:size])

    def test_reloads_under_load_lose_no_request(self):
        def ask(number):
            size = number * 977 % 70_000
            link = http.client.HTTPConnection("127.0.0.1", self.front, timeout=support.PATIENCE)
            with contextlib.closing(link):
                link.request("GET", f"/size?{size}")
                answer = link.getresponse()
                return answer.status == 200 and answer.read() == SOME[:size]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            asked = pool.map(ask, range(200))
            for _ in range(5):
                self.keepsake.reload(self.config, "reload")
            self.assertTrue(all(asked))
        self.assertEqual(self.figure("keepsake_http2_floods_total"), 0)

    def test_a_drain_answers_what_is_in_progress(self):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(support.request, self.front, "/wait")
            self.assertTrue(self.app.waiting.wait(support.PATIENCE))
            self.keepsake.signal(15)
            self.keepsake.said("draining")
            self.app.go.set()
            self.assertEqual(asked.result().status, 200)
        self.assertEqual(self.keepsake.ends(), 0)


class Haproxy(Fronts, support.TestCase):
    program = "haproxy"

    def arguments(self):
        return ["-db", "-f", self.write(f"""\
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{self.front}
  default_backend keepsake
backend keepsake
  server keepsake 127.0.0.1:{self.keepsake.port} proto h2 ws h2
""", "haproxy.cfg")]

    def test_a_websocket_becomes_an_extended_connect(self):
        with socket.create_connection(("127.0.0.1", self.front), timeout=support.PATIENCE) as link:
            link.sendall(UPGRADE.encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += link.recv(1)
            self.assertTrue(head.startswith(b"HTTP/1.1 101"), head)
            frame = b"\x81\x85\0\0\0\0hello"
            link.sendall(frame)
            echoed = b""
            while len(echoed) < len(frame):
                echoed += link.recv(4096)
            self.assertEqual(echoed, frame)


class Nghttpx(Fronts, support.TestCase):
    program = "nghttpx"

    def arguments(self):
        return ["--conf=/dev/null", f"--frontend=127.0.0.1,{self.front};no-tls", "--workers=1", "--errorlog-file=/dev/stderr",
                f"--backend=127.0.0.1,{self.keepsake.port};;proto=h2"]


class Caddy(Fronts, support.TestCase):
    program = "caddy"

    def arguments(self):
        return ["run", "--adapter", "caddyfile", "--config", self.write(f"""\
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{self.front} {{
  reverse_proxy h2c://127.0.0.1:{self.keepsake.port}
}}
""", "Caddyfile")]


if __name__ == "__main__":
    if not any(PROGRAMS.values()):
        print("not installed:", *PROGRAMS)
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"http2_fronts_test.{name}" for name in sys.argv[1:]] or ["http2_fronts_test"]
    runner.main()

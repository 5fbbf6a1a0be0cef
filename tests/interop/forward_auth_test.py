#!/usr/bin/env python3
"""config/examples/forward-auth behind the real nginx and Caddy of Debian: sign-in, touch, bodies, WebSockets, forged
headers, and what happens without the lines that the examples name.
    forward_auth_test.py [CLASS[.test]...]"""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))

import nginx  # noqa: E402
import runner  # noqa: E402
import support  # noqa: E402
from support import free_port, request, until  # noqa: E402

EXAMPLE = ROOT / "config/examples/forward-auth"
CADDY = shutil.which("caddy")
FORGED = {"X-Session-User": "eve", "X-Session-Role": "admin", "X_Session_Role": "admin", "X-Original-URI": "/forged", "X-Original-Method": "GET", "X-Forwarded-Uri": "/forged",
          "X-Forwarded-Method": "GET", "X-Original-URL": "http://evil.example/"}
PAGE = {"Accept": "text/html"}


class Application(support.Service):
    """What the front proxy guards: shows the headers that it got, and the size of the body."""

    def answer(self, request):
        if request.headers.get("Upgrade") == "websocket":
            request.send_response(101)
            request.send_header("Upgrade", "websocket")
            request.send_header("Connection", "Upgrade")
            request.end_headers()
            request.close_connection = True
            return
        size = len(request.rfile.read(int(request.headers.get("Content-Length") or 0)))
        request.say(json.dumps({"user": request.headers.get("X-Session-User"), "role": request.headers.get("X-Session-Role"), "method": request.command,
                                "path": request.path, "size": size}).encode())


class Login(support.Service):
    """The backend that checks a password: who asks with ?user= is believed."""

    def answer(self, request):
        query = urllib.parse.parse_qs(request.path.partition("?")[2])
        lines = [("X-Session-Set", f"user={query['user'][0]}")] if "user" in query else []
        request.say(b"login", headers=lines)


class Front(support.TestCase):
    """What holds behind every front proxy; `front` starts it with some lines of its file left out."""

    __test__ = False

    def begin(self, without=()):
        self.application, self.login = Application(), Login()
        for service in (self.application, self.login):
            service.server.RequestHandlerClass.do_POST = service.server.RequestHandlerClass.do_GET
            self.addCleanup(service.close)
        text = (EXAMPLE / "keepsake.yaml").read_text()
        for port in (8090, 8081):
            self.assertIn(f"127.0.0.1:{port}", text)
        text = text.replace("127.0.0.1:8090", "127.0.0.1:0").replace("127.0.0.1:8081", f"127.0.0.1:{self.login.port}")
        text += "  idle_timeout: 40s\n  touch_interval: 1s\n"
        self.keepsake = self.start(text)
        self.port = self.front(without)

    def file(self, name, without):
        text = (EXAMPLE / name).read_text()
        for line in without:
            lines = [one for one in text.splitlines() if line in one]
            self.assertEqual(len(lines), 1, line)
            text = text.replace(lines[0] + "\n", "")
        return (text.replace("127.0.0.1:8090", f"127.0.0.1:{self.keepsake.port}")
                .replace("127.0.0.1:3000", f"127.0.0.1:{self.application.port}"))

    def get(self, path="/account?tab=2", cookie=None, method="GET", body=None, **headers):
        return request(self.port, path, method, body, headers | ({"Cookie": cookie} if cookie else {}))

    def sign_in(self):
        return self.get("/login/check?user=ada").cookie()

    def seen(self, cookie, **headers):
        answer = self.get(cookie=cookie, **headers)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def check_sign_in(self):
        answer = self.get(Accept="text/html")
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/login"))
        self.assertIn("session-return=", answer.headers["Set-Cookie"])
        self.assertEqual(self.get(Accept="application/json").status, 401)
        self.assertEqual(self.get("/login/").body, "login")
        self.assertEqual(self.seen(self.sign_in()), {"user": "ada", "role": None, "method": "GET", "path": "/account?tab=2", "size": 0})

    def check_touch(self):
        cookie = self.sign_in()
        time.sleep(1.1)  # touch_interval, by the wall clock of three programs
        answer = self.get(cookie=cookie)
        self.assertEqual(answer.status, 200)
        return answer.headers["Set-Cookie"]

    def check_bodies(self):
        cookie = self.sign_in()
        for size in (0, 5, 300_000):
            answer = self.get("/post", cookie, "POST", "x" * size, **{"Content-Type": "text/plain"})
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.loads(answer.body), {"user": "ada", "role": None, "method": "POST", "path": "/post", "size": size})
        answer = self.get("/post", None, "POST", "x" * 300_000, **{"Content-Type": "text/plain"}, **PAGE)
        self.assertEqual(answer.status, 401)

    def check_websocket(self):
        handshake = ("GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}\r\n")
        for line, status in ((f"Cookie: {self.sign_in()}\r\n", b"101"), ("", b"401")):
            with socket.create_connection(("127.0.0.1", self.port), timeout=support.PATIENCE) as link:
                link.sendall(handshake.format(line).encode())
                self.assertEqual(link.recv(4096).split(b" ")[1], status)

    def role_of_liar(self):
        """What the application is told of ada, who has no role and says that she is an admin."""
        seen = self.seen(self.sign_in(), **FORGED)
        self.assertEqual(seen["user"], "ada")
        return seen["role"]

    def check_lies(self):
        self.assertIsNone(self.role_of_liar())
        answer = self.get(**PAGE, **FORGED)
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/login"))


@nginx.needs_nginx
class Nginx(Front):
    __test__ = True

    def front(self, without):
        port = free_port()
        folder = self.folder / f"nginx-{port}"
        folder.mkdir()
        (folder / "keepsake_headers.conf").write_text(self.file("keepsake_headers.conf", ()))
        text = self.file("nginx.conf", without).replace("listen 8080", f"listen 127.0.0.1:{port}")
        file = folder / "nginx.conf"
        file.write_text(f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
                        f"http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
                        f"fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n{text}\n}}\n")
        child = subprocess.Popen([nginx.NGINX, "-p", folder, "-c", file], stdin=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        until("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        return port

    def test_a_visitor_signs_in_and_is_known(self):
        self.begin()
        self.check_sign_in()

    def test_a_session_in_use_is_touched_and_not_without_the_line(self):
        self.begin()
        self.assertIn("session=", self.check_touch() or "")
        self.port = self.front(["# without it a session in use ends"])
        self.assertIsNone(self.check_touch())

    def test_bodies_go_to_the_application_alone(self):
        self.begin()
        self.check_bodies()

    def test_a_websocket_is_for_visitors_who_are_signed_in(self):
        self.begin()
        self.check_websocket()

    def test_no_forged_header_reaches_the_application_but_without_the_line(self):
        self.begin()
        self.check_lies()
        self.port = self.front(["# without such a line the client's own header"])
        self.assertEqual(self.role_of_liar(), "admin")


@unittest.skipUnless(CADDY, "caddy is not installed")
class Caddy(Front):
    __test__ = True

    def front(self, without):
        port = free_port()
        text = self.file("Caddyfile", without).replace(":8080 {", f"http://127.0.0.1:{port}, http://localhost:{port} {{")
        file = self.folder / f"Caddyfile-{port}"
        file.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
        child = subprocess.Popen([CADDY, "run", "--adapter", "caddyfile", "--config", file], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})
        self.addCleanup(lambda: (child.kill(), child.wait()))

        def listens():
            assert child.poll() is None, "caddy ended"
            return socket.socket().connect_ex(("127.0.0.1", port)) == 0
        until("caddy listens", listens)
        return port

    test_a_visitor_signs_in_and_is_known = Nginx.test_a_visitor_signs_in_and_is_known
    test_bodies_go_to_the_application_alone = Nginx.test_bodies_go_to_the_application_alone
    test_a_websocket_is_for_visitors_who_are_signed_in = Nginx.test_a_websocket_is_for_visitors_who_are_signed_in

    def test_a_session_in_use_is_touched_and_not_without_the_line(self):
        self.begin()
        self.assertIn("session=", self.check_touch() or "")
        self.port = self.front(["header @touched +Set-Cookie"])
        self.assertIsNone(self.check_touch())

    def test_no_forged_header_reaches_the_application_but_without_the_line(self):
        self.begin()
        self.check_lies()
        self.port = self.front(["request_header -X-Session-*"])
        self.assertEqual(self.role_of_liar(), "admin")


if __name__ == "__main__":
    sys.argv[1:] = [f"forward_auth_test.{name}" for name in sys.argv[1:]] or ["forward_auth_test"]
    runner.main()

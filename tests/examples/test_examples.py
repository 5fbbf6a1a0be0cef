import html
import http.server
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import unittest
import urllib.parse

import support
from support import ROOT, TestCase, free_port, request, set_name, until

EXAMPLES = ROOT / "config/examples"
NAME = "Zoë & 🎉"
PYTHON = "/usr/bin/python3"  # the one that Debian's packages belong to


class Pages(http.server.BaseHTTPRequestHandler):
    """A service of no framework: says the name that it is told, and what else the headers say."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = urllib.parse.unquote(self.headers.get("X-Session-Name", ""))
        answer = self.server.answer(self, name)
        body = answer.encode()
        self.send_response(200)
        for field, value in self.server.more(self).items():
            self.send_header(field, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class UnixServer(http.server.ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)

    def get_request(self):
        return self.socket.accept()[0], ("unix", 0)


class Example(TestCase):
    def service(self, answer=lambda _, name: f"Hello {name}" if name else "Who are you?", more=lambda _: {}, unix=None):
        server = UnixServer(unix, Pages) if unix else http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        server.daemon_threads, server.answer, server.more = True, answer, more
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def program(self, arguments, port, **variables):
        """Starts a service and waits until it listens."""
        log = open(self.folder / "service.log", "w")
        self.addCleanup(log.close)
        child = subprocess.Popen(arguments, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 env={**os.environ, **variables}, start_new_session=True)
        self.addCleanup(child.wait)
        self.addCleanup(lambda: os.killpg(child.pid, 9))

        def listens():
            if child.poll() is not None:
                raise AssertionError(f"{arguments} ended:\n{(self.folder / 'service.log').read_text()}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        until(f"{arguments} listens", listens, 90)
        return port

    def example(self, name, changes, **variables):
        """Keepsake with the example on a free port of the loopback; `changes` replaces what cannot be had here."""
        text = (EXAMPLES / name).read_text()
        usual = {} if "127.0.0.1:8080" in changes else {"0.0.0.0:8080": "127.0.0.1:0"}
        for old, new in {**usual, **changes}.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        return self.start(text, **variables).port

    def remembers(self, port, page="/", headers=None):
        headers = headers or {}
        self.assertIn("Who are you?", request(port, page, headers=headers).body)
        cookie = set_name(port, urllib.parse.quote(NAME))
        body = request(port, page, headers={"Cookie": cookie, **headers}).body
        self.assertIn(f"Hello {NAME}", html.unescape(body))
        self.assertIn("Who are you?", request(port, page, headers={"X-Session-Name": "mallory", **headers}).body)
        cleared = request(port, "/reset", "POST", headers={"Cookie": cookie})
        self.assertEqual(cleared.status, 303)
        self.assertIn("Max-Age=0", cleared.headers["Set-Cookie"])


class Frameworks(Example):
    def app(self, name):
        shutil.copy(EXAMPLES / "apps" / name, self.folder)
        modules = pathlib.Path(__file__).parent / "node_modules"
        (self.folder / "node_modules").symlink_to(modules)
        return name

    def test_flask(self):
        port = free_port()
        self.app("flask_app.py")
        self.program([PYTHON, "-m", "flask", "--app", "flask_app", "run", "--port", str(port)], port)
        self.remembers(self.example("flask.yaml", {}, BACKEND=f"127.0.0.1:{port}"))

    def test_express(self):
        port = free_port()
        self.program(["node", self.app("express_app.mjs")], port, PORT=str(port))
        self.remembers(self.example("express.yaml", {}, BACKEND=f"127.0.0.1:{port}"))

    @unittest.skipUnless(shutil.which("go"), "go is not installed")
    def test_go(self):
        port = free_port()
        self.app("main.go")
        subprocess.run(["go", "build", "-o", "service", "main.go"], cwd=self.folder, check=True)
        self.program(["./service"], port, PORT=str(port))
        self.remembers(self.example("go.yaml", {}, BACKEND=f"127.0.0.1:{port}"))

    def signs_in(self, backend):
        """A deep link, the form, a wrong and a good password, the page, the way out."""
        port = self.example("sign-in/keepsake.yaml", {}, BACKEND=f"127.0.0.1:{backend}")
        page, form = {"Accept": "text/html"}, {"Content-Type": "application/x-www-form-urlencoded"}
        away = request(port, "/account/orders?year=2024", headers=page)
        self.assertEqual((away.status, away.headers["Location"]), (303, "/login"))
        kept = away.headers["Set-Cookie"].split(";")[0]
        self.assertIn("Password", request(port, "/login", headers={"Cookie": kept}).body)
        for user, password in (("ada", "wrong"), ("ada", ""), ("eve", "of nobody"), ("", "")):
            wrong = request(port, "/login", "POST", urllib.parse.urlencode({"user": user, "password": password}),
                            {"Cookie": kept, **form})
            self.assertEqual((wrong.status, wrong.headers["Set-Cookie"]), (403, None), user)
        good = request(port, "/login", "POST", "user=ada&password=correct+horse", {"Cookie": kept, **form})
        self.assertEqual((good.status, good.headers["Location"]), (303, "/account/orders?year=2024"))
        self.assertIsNone(good.headers["X-Session-Set"])
        self.assertNotIn("Max-Age", good.headers["Set-Cookie"])
        stays = request(port, "/login", "POST", "user=ada&password=correct+horse&stay=on", form)
        self.assertIn("Max-Age=2592000", stays.headers["Set-Cookie"])
        user = {"Cookie": good.headers["Set-Cookie"].split(";")[0]}
        account = request(port, good.headers["Location"], headers=user)
        self.assertIn("Hello ada", account.body)
        self.assertIn("/account/orders?year=2024", account.body)
        self.assertEqual(account.headers["Cache-Control"], "private, no-store")
        self.assertEqual(request(port, "/session", headers=user).body, '{"user":"ada"}\n')
        self.assertEqual(request(port, "/account", headers={"X-Session-User": "ada"}).status, 401)
        foreign = request(port, "/login", "POST", "user=ada&password=correct+horse", {"Sec-Fetch-Site": "cross-site", **form})
        self.assertEqual(foreign.status, 403)
        out = request(port, "/logout", "POST", headers=user)
        self.assertEqual((out.status, out.headers["Location"]), (303, "/"))
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])
        sent = [request(port, "/login", "POST", "user=ada&password=guess", form).status for _ in range(10)]
        self.assertEqual(sent[-1], 429)

    def test_sign_in_with_flask(self):
        port = free_port()
        shutil.copy(EXAMPLES / "sign-in/flask_app.py", self.folder)
        self.program([PYTHON, "-m", "flask", "--app", "flask_app", "run", "--port", str(port)], port)
        self.signs_in(port)

    def test_sign_in_with_express(self):
        port = free_port()
        self.app("../sign-in/express_app.mjs")
        self.program(["node", "express_app.mjs"], port, PORT=str(port))
        self.signs_in(port)

    @unittest.skipUnless(shutil.which("go"), "go is not installed")
    def test_sign_in_with_go(self):
        port = free_port()
        self.app("../sign-in/main.go")
        subprocess.run(["go", "build", "-o", "service", "main.go"], cwd=self.folder, check=True)
        self.program(["./service"], port, PORT=str(port))
        self.signs_in(port)

    def test_php(self):
        port = free_port()
        self.program(["php", "-S", f"127.0.0.1:{port}", self.app("index.php")], port)
        self.remembers(self.example("php.yaml", {}, BACKEND=f"127.0.0.1:{port}"))

    def test_a_chat_over_websockets_knows_who_is_speaking(self):
        port = free_port()
        self.program(["node", self.app("chat.mjs")], port, PORT=str(port))
        keepsake = self.example("websocket.yaml", {"127.0.0.1:3000": f"127.0.0.1:{port}"})
        cookie = set_name(keepsake, urllib.parse.quote(NAME))
        (self.folder / "client.mjs").write_text(
            'import WebSocket from "ws";\n'
            "const socket = new WebSocket(process.argv[2], {headers: {Cookie: process.argv[3]}});\n"
            'socket.on("open", () => socket.send("hello"));\n'
            'socket.on("message", (text) => { console.log(String(text)); socket.close(); });\n'
            'socket.on("close", (code) => console.log(code));\n')
        heard = subprocess.run(["node", "client.mjs", f"ws://127.0.0.1:{keepsake}/", cookie], cwd=self.folder,
                               capture_output=True, text=True, timeout=30)
        self.assertEqual(heard.stdout, f"{NAME}: hello\n1005\n", heard.stderr)

    def test_grpc(self):
        port = free_port()
        shutil.copy(EXAMPLES / "apps/greeter.proto", self.folder)
        self.program(["node", self.app("greeter.mjs")], port, PORT=str(port))
        keepsake = self.example("grpc.yaml", {}, BACKEND=f"127.0.0.1:{port}")
        cookie = set_name(keepsake, urllib.parse.quote(NAME))
        (self.folder / "client.mjs").write_text(
            'import grpc from "@grpc/grpc-js";\n'
            'import loader from "@grpc/proto-loader";\n'
            'const { greeter } = grpc.loadPackageDefinition(loader.loadSync("greeter.proto"));\n'
            "const client = new greeter.Greeter(process.argv[2], grpc.credentials.createInsecure());\n"
            "const mine = new grpc.Metadata();\n"
            'mine.set("cookie", process.argv[3]);\n'
            'mine.set("x-session-user", "mallory");\n'
            'client.Greet({}, (_, { text }) => console.log(text));\n'
            'for await (const { text } of client.Count({ times: 2 }, mine)) console.log(text);\n')
        heard = subprocess.run(["node", "client.mjs", f"127.0.0.1:{keepsake}", cookie], cwd=self.folder, capture_output=True,
                               text=True, timeout=30)
        self.assertEqual(sorted(heard.stdout.splitlines()), [f"Hello {NAME}", f"Hello {NAME}", "Who are you?"], heard.stderr)


class All(unittest.TestCase):
    # Driven by tests/tls and tests/interop, which have the programs beside them.
    ELSEWHERE = {"tls/keepsake.yaml", "forward-auth/keepsake.yaml"}
    # Configurations of other programs.
    OF_OTHERS = {"forward-auth/envoy.yaml", "forward-auth/traefik.yaml"}

    def test_every_example_has_a_test(self):
        files = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.yaml")}
        driven = set(re.findall(r'self\.example\("([\w./-]+)"', pathlib.Path(__file__).read_text()))
        self.assertEqual(files, driven | self.ELSEWHERE | self.OF_OTHERS)


class Deployments(Example):
    def test_your_own_backend(self):
        self.remembers(self.example("your-own-backend.yaml", {}, BACKEND=f"127.0.0.1:{self.service()}"))

    def test_static_files_pass_as_they_are(self):
        (self.folder / "static").mkdir()
        (self.folder / "static/app.js").write_text("let x = 1;\n")
        files = free_port()
        self.program([PYTHON, "-m", "http.server", str(files), "--bind", "127.0.0.1", "--directory", str(self.folder)],
                     files)
        port = self.example("static.yaml", {"127.0.0.1:3000": f"127.0.0.1:{self.service()}",
                                            "127.0.0.1:8000": f"127.0.0.1:{files}"})
        self.remembers(port)
        asset = request(port, "/static/app.js", headers={"Cookie": "session=nonsense"})
        self.assertEqual(asset.body, "let x = 1;\n")
        self.assertIsNone(asset.headers["Vary"])
        self.assertIsNone(asset.headers["Set-Cookie"])

    def test_several_backends_by_host_and_by_path(self):
        def named(what):
            return lambda page, name: f"{what} {page.headers['Host']} " + (f"Hello {name}" if name else "Who are you?")
        shop, search = self.service(named("shop")), self.service(named("search"))
        blog = str(self.folder / "blog.sock")
        self.service(named("blog"), unix=blog)
        port = self.example("several-backends.yaml", {
            "http://shop-1:8000, http://shop-2:8000": f"http://127.0.0.1:{shop}, http://localhost:{shop}",
            "http://search:9200": f"http://127.0.0.1:{search}", "/run/blog/http.sock": blog})
        self.assertIn("shop 127.0.0.1", request(port, "/").body)
        self.assertIn(f"search 127.0.0.1:{search}", request(port, "/api/search/x").body)
        self.assertEqual(request(port, "/", headers={"Host": "blog.example.com"}).body, "blog blog.example.com Who are you?")
        answer = request(port, "/setName", "POST", "name=Zo",
                         {"Host": "example.com", "Content-Type": "application/x-www-form-urlencoded"})
        self.assertIn("Domain=example.com", answer.headers["Set-Cookie"])
        for host in ("example.com", "blog.example.com"):
            told = request(port, "/", headers={"Host": host, "Cookie": answer.cookie()}).body
            self.assertEqual(told, f"{'blog' if host.startswith('blog') else 'shop'} {host} Hello Zo")

    def test_behind_a_load_balancer_its_word_counts(self):
        port = self.example("behind-load-balancer.yaml", {
            "10.0.0.0/8": "127.0.0.0/8", "http://app:3000": f"http://127.0.0.1:{self.service()}",
            "0.0.0.0:9090": "127.0.0.1:0"})
        answer = request(port, "/setName", "POST", "name=Zo", {"Content-Type": "application/x-www-form-urlencoded",
                                                               "X-Forwarded-Proto": "https"})
        self.assertRegex(answer.headers["Set-Cookie"], r"^__Host-session=.*; Secure")

    def test_guard_rails_hold(self):
        told = lambda page, _: f"{page.path} {page.headers.get('X-Tenant')} {page.headers['X-Forwarded-For']}"
        app, api = self.service(told), self.service(told, lambda _: {"X-Powered-By": "secrets"})
        port = self.example("guard-rails.yaml", {
            "10.0.0.0/8": "127.0.0.0/8", "http://app:3000": f"http://127.0.0.1:{app}", "http://api:4000": f"http://127.0.0.1:{api}"})

        def of(client, path, method="GET", body=None, **headers):
            return request(port, path, method, body, {"X-Forwarded-For": client, **headers})
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = [of("198.51.100.1", "/setName", "POST", "name=Zo", **form).status for _ in range(20)]
        self.assertEqual((sent[:3], set(sent)), ([303] * 3, {303, 429}))
        self.assertEqual(of("198.51.100.2", "/setName", "POST", "name=Zo", **form).status, 303)
        for client, status in {"192.0.2.1": 200, "192.0.2.66": 403, "198.51.100.1": 403, "2001:db8:1::7": 200}.items():
            self.assertEqual(of(client, "/admin/x").status, status, client)
        answer = of("198.51.100.1", "/api/users?page=2")
        self.assertEqual(answer.body, "/v1/users?page=2 acme 198.51.100.1, 127.0.0.1")
        self.assertIsNone(answer.headers["X-Powered-By"])
        large = b"POST /api/users HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n"
        self.assertTrue(support.raw(port, large).startswith(b"HTTP/1.1 413 "))
        self.assertEqual(of("198.51.100.1", "/").headers["X-Frame-Options"], "DENY")

    def test_behind_oauth2_proxy_the_backend_is_told_who_it_is(self):
        told = lambda page, _: f"{page.headers.get('X-Forwarded-User')} {page.headers.get('X-Session-Theme')}"
        port = self.example("sign-in/behind-oauth2-proxy.yaml", {"127.0.0.1:8080": "127.0.0.1:0"},
                            BACKEND=f"127.0.0.1:{self.service(told)}")
        answer = request(port, "/theme", "POST", "theme=dark", {"Content-Type": "application/x-www-form-urlencoded",
                                                                "Referer": f"http://127.0.0.1:{port}/page"})
        self.assertEqual(answer.headers["Location"], "/page")
        seen = request(port, "/", headers={"Cookie": answer.cookie(), "X-Forwarded-User": "ada"})
        self.assertEqual(seen.body, "ada dark")

    def test_before_oauth2_proxy_its_paths_and_its_cookie_reach_it(self):
        told = lambda page, _: f"{page.path} {page.headers.get('Cookie')}"
        app, proxy = self.service(lambda *_: "app"), self.service(told, lambda _: {"Set-Cookie": "_oauth2_proxy=abc"})
        port = self.example("sign-in/before-oauth2-proxy.yaml", {}, BACKEND=f"127.0.0.1:{app}", OAUTH2_PROXY=f"127.0.0.1:{proxy}")
        self.assertEqual(request(port, "/").body, "app")
        answer = request(port, "/oauth2/start?rd=%2Faccount", headers={"Cookie": "_oauth2_proxy=old; session=x"})
        self.assertEqual(answer.body, "/oauth2/start?rd=%2Faccount _oauth2_proxy=old")
        self.assertEqual(answer.headers["Set-Cookie"], "_oauth2_proxy=abc")
        self.assertEqual(request(port, "/account/x").body, "/account/x None")

    def test_behind_caddy_its_word_counts(self):
        port = self.example("sign-in/behind-caddy.yaml", {"127.0.0.1:8080": "127.0.0.1:0"}, BACKEND=f"127.0.0.1:{self.service()}")
        answer = request(port, "/setName", "POST", "name=Zo", {"Content-Type": "application/x-www-form-urlencoded",
                                                               "X-Forwarded-Proto": "https"})
        self.assertRegex(answer.headers["Set-Cookie"], r"^__Host-session=.*; Secure")

    @unittest.skipUnless(shutil.which("caddy"), "caddy is not installed")
    def test_caddy_takes_its_file(self):
        caddy = subprocess.run(["caddy", "adapt", "--config", str(EXAMPLES / "sign-in/Caddyfile"), "--adapter", "caddyfile"],
                               capture_output=True, text=True)
        self.assertEqual(caddy.returncode, 0, caddy.stderr)
        self.assertIn("127.0.0.1:8080", caddy.stdout)

    def test_with_certbot_the_challenge_is_served_from_its_folder(self):
        shutil.copy(EXAMPLES / "tls/make-certificate.sh", self.folder)
        subprocess.run(["./make-certificate.sh", "localhost"], cwd=self.folder, check=True, capture_output=True)
        (self.folder / "tls.crt").rename(self.folder / "fullchain.pem")
        (self.folder / "tls.key").rename(self.folder / "privkey.pem")
        challenge = self.folder / ".well-known/acme-challenge"
        challenge.mkdir(parents=True)
        (challenge / "token").write_text("token.thumbprint")
        files, plain = free_port(), free_port()
        self.program([PYTHON, "-m", "http.server", str(files), "--bind", "127.0.0.1", "--directory", str(self.folder)], files)
        self.example("sign-in/with-certbot.yaml", {"0.0.0.0:8443": "127.0.0.1:0", "0.0.0.0:8080": f"127.0.0.1:{plain}",
                                                   "127.0.0.1:8000": f"127.0.0.1:{files}"},
                     CERTIFICATES=str(self.folder), BACKEND=f"127.0.0.1:{self.service()}")
        self.assertEqual(request(plain, "/.well-known/acme-challenge/token").body, "token.thumbprint")

    def test_a_backend_that_writes_counts_visits(self):
        def more(page):
            return {"X-Session-Set": f"visits={int(page.headers.get('X-Session-Visits', 0)) + 1}"}
        service = self.service(lambda page, _: page.headers.get("X-Session-All", "{}"), more)
        port = self.example("backend-that-writes.yaml", {"127.0.0.1:3000": f"127.0.0.1:{service}"})
        first = request(port, "/")
        self.assertEqual(first.body, "{}")
        self.assertIsNone(first.headers["X-Session-Set"])
        second = request(port, "/", headers={"Cookie": first.cookie()})
        self.assertEqual(second.body, '{"visits":"1"}')

    def test_a_cookie_that_flask_wrote_is_a_session(self):
        made = subprocess.run([PYTHON, "-c", "from flask import Flask; from flask.sessions import SecureCookieSessionInterface as S;"
                               "import sys; a = Flask('x'); a.secret_key = sys.argv[1];"
                               "print(S().get_signing_serializer(a).dumps({'myName': 'Zoë', 'cart': [1, 2]}))", support.SECRET],
                              capture_output=True, text=True, check=True)
        port = self.example("flask-shared.yaml", {"127.0.0.1:5000": f"127.0.0.1:{self.service()}"})
        self.assertEqual(request(port, "/", headers={"Cookie": "session=" + made.stdout.strip()}).body, "Hello Zoë")

    @unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
    def test_sessions_in_redis(self):
        redis = free_port()
        self.program(["redis-server", "--port", str(redis), "--save", "", "--appendonly", "no"], redis)
        port = self.example("redis.yaml", {"http://app:3000": f"http://127.0.0.1:{self.service()}",
                                           "127.0.0.1:9090": "127.0.0.1:0"},
                            REDIS_URL=f"redis://127.0.0.1:{redis}/0")
        self.remembers(port)
        cookie = set_name(port, "Zo")
        request(port, "/reset", "POST", headers={"Cookie": cookie})
        self.assertEqual(request(port, "/", headers={"Cookie": cookie}).body, "Who are you?")

    def test_tls_on_a_machine_of_ones_own(self):
        for file in ("keepsake.yaml", "make-certificate.sh"):
            shutil.copy(EXAMPLES / "tls" / file, self.folder)
        subprocess.run(["./make-certificate.sh", "localhost"], cwd=self.folder, check=True, capture_output=True)
        text = (self.folder / "keepsake.yaml").read_text()
        port, plain = free_port(), free_port()
        text = text.replace("0.0.0.0:8443", f"127.0.0.1:{port}").replace("0.0.0.0:8080", f"127.0.0.1:{plain}")
        text = text.replace("127.0.0.1:9090", "127.0.0.1:0")
        self.start(text, TLS_DIR=str(self.folder), HTTPS_PORT=str(port), BACKEND=f"127.0.0.1:{self.service()}")
        curl = ["curl", "-sS", "--cacert", str(self.folder / "tls.crt"), "--resolve", f"localhost:{port}:127.0.0.1",
                "--resolve", f"localhost:{plain}:127.0.0.1", "-c", "jar", "-b", "jar", "-L"]
        saved = subprocess.run([*curl, "--data-urlencode", f"name={NAME}", f"https://localhost:{port}/setName"],
                               cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(saved.stdout, f"Hello {NAME}", saved.stderr)
        over = subprocess.run([*curl, "-D", "-", f"http://localhost:{plain}/page?x=1"], cwd=self.folder,
                              capture_output=True, text=True).stdout
        self.assertIn("308", over.splitlines()[0])
        self.assertIn(f"Location: https://localhost:{port}/page?x=1", over.replace("location", "Location"))
        self.assertIn("strict-transport-security: max-age=31536000", over.lower())
        self.assertIn("HTTP/2 200", over)

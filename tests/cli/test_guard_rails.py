"""Guard rails of the real program: limits over all workers, files for error pages, lists of addresses, what
outlives a reload."""

import concurrent.futures
import http.client
import socket
import subprocess

from support import PATIENCE, TestCase, request, set_name, until

GUARDED = """\
listen: [{address: 127.0.0.1:0}]
workers: 4
trusted_proxies: [127.0.0.1]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
session: {secrets: [{env: SESSION_KEY}]}
admin: {address: 127.0.0.1:0}
log: {access: false}
MORE
routes:
  - {path: /setName, set: {myName: name}, rate_limits: [{per: session, requests: 2, every: 1h}]}
  - {path: /limited, backend: app, rate_limits: [{requests: 50, every: 1h}]}
  - {path: /office, backend: app, allow: [192.0.2.0/24], deny: [192.0.2.66]}
  - {path: /upload, backend: app, limits: {body: 4KiB}}
  - {path: /wait, backend: app, timeouts: {response: 300ms}, response_headers: {X-Frame-Options: DENY}}
  - {path: "/api/*", backend: app, rewrite: {strip_prefix: /api, set_request_headers: {X-Who: the route}}}
  - {path: "/*", backend: app, response_headers: {X-Frame-Options: DENY}}
"""


def guarded(backend, more=""):
    return GUARDED.replace("BACKEND", str(backend)).replace("MORE", more)


class Limits(TestCase):
    def test_four_workers_and_many_connections_share_one_limit(self):
        keepsake = self.start(guarded(self.backend().port))

        def ask(_):
            link = http.client.HTTPConnection("127.0.0.1", keepsake.port, timeout=PATIENCE)
            statuses = [request(keepsake.port, "/limited", connection=link).status for _ in range(10)]
            link.close()
            return statuses

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = [status for some in pool.map(ask, range(16)) for status in some]
        self.assertEqual(statuses.count(200), 50)
        self.assertEqual(statuses.count(429), 110)
        metrics = request(keepsake.admin, "/metrics").body
        self.assertIn("\nkeepsake_rate_limited_total 110\n", metrics)

    def test_curl_is_told_when_to_come_again(self):
        keepsake = self.start(guarded(self.backend().port).replace("requests: 50, every: 1h", "requests: 1, every: 1h"))
        url = f"http://127.0.0.1:{keepsake.port}/limited"
        curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %header{retry-after}", url]
        self.assertEqual(subprocess.check_output(curl, text=True).split(), ["200"])
        status, again = subprocess.check_output(curl, text=True).split()
        self.assertEqual(status, "429")
        self.assertTrue(3590 < int(again) <= 3600, again)

    def test_a_session_is_limited_wherever_its_visitor_is(self):
        keepsake = self.start(guarded(self.backend().port))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        cookie = set_name(keepsake.port, "Ann")
        statuses = [request(keepsake.port, "/setName", "POST", f"name=Ann{i}",
                            {**form, "Cookie": cookie, "X-Forwarded-For": f"203.0.113.{i}"}).status for i in range(4)]
        self.assertEqual(statuses, [303, 303, 429, 429])
        self.assertEqual(request(keepsake.port, "/", headers={"Cookie": cookie}).body, "Ann")

    def test_buckets_outlive_a_reload(self):
        backend = self.backend()
        text = guarded(backend.port).replace("requests: 50,", "requests: 3,")
        keepsake = self.start(text)
        ask = lambda: request(keepsake.port, "/limited").status
        self.assertEqual([ask() for _ in range(4)], [200, 200, 200, 429])
        keepsake.reload(text.replace("routes:\n", "limits: {body: 1MiB}\nroutes:\n  - {path: /new, backend: app}\n"),
                        "reloaded")
        self.assertEqual(ask(), 429)
        keepsake.reload(text.replace("requests: 3,", "requests: 4,"), "reloaded")
        self.assertEqual([ask() for _ in range(5)], [200, 200, 200, 200, 429])

    def test_connections_of_one_client_are_limited_over_all_workers(self):
        keepsake = self.start(guarded(self.backend().port, "limits: {connections_per_client: 5}"))
        links = [http.client.HTTPConnection("127.0.0.1", keepsake.port, timeout=PATIENCE) for _ in range(5)]
        for link in links:
            self.assertEqual(request(keepsake.port, "/", connection=link).status, 200)
        with socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE) as one_more:
            self.assertTrue(one_more.recv(1024).startswith(b"HTTP/1.1 503 "))
        links.pop().close()
        until("there is room again", lambda: request(keepsake.port, "/").status == 200)
        for link in links:
            link.close()


class Routes(TestCase):
    def test_only_the_office_gets_in(self):
        keepsake = self.start(guarded(self.backend().port))
        ask = lambda client: request(keepsake.port, "/office", headers={"X-Forwarded-For": client}).status
        self.assertEqual(ask("192.0.2.1"), 200)
        self.assertEqual(ask("192.0.2.66"), 403)
        self.assertEqual(ask("198.51.100.1"), 403)
        self.assertIn("\nkeepsake_addresses_denied_total 2\n", request(keepsake.admin, "/metrics").body)

    def test_a_route_has_limits_and_timeouts_of_its_own(self):
        keepsake = self.start(guarded(self.backend().port, "limits: {body: 1KiB}"))
        post = lambda path, size: request(keepsake.port, path, "POST", "x" * size).status
        self.assertEqual(post("/upload", 4096), 501)  # the backend's answer: it knows no POST
        self.assertEqual(post("/upload", 4097), 413)
        self.assertEqual(post("/other", 1024), 501)
        self.assertEqual(post("/other", 1025), 413)
        self.assertEqual(request(keepsake.port, "/wait").status, 504)

    def test_a_route_rewrites_what_its_backend_gets(self):
        keepsake = self.start(guarded(self.backend().port))
        self.assertEqual(request(keepsake.port, "/api/204").status, 204)  # /204 over there
        self.assertEqual(request(keepsake.port, "/api/x", headers={"X-Who": "a client"}).body, "the route")
        self.assertEqual(request(keepsake.port, "/x", headers={"X-Who": "a client"}).body, "a client")

    def test_response_headers_stand_on_answers_and_errors(self):
        keepsake = self.start(guarded(self.backend().port))
        self.assertEqual(request(keepsake.port, "/").headers["X-Frame-Options"], "DENY")
        answer = request(keepsake.port, "/wait")
        self.assertEqual((answer.status, answer.headers["X-Frame-Options"]), (504, "DENY"))

    def test_error_pages_come_from_files_and_change_with_a_reload(self):
        page = self.write("<h1>{status} {title}</h1><!-- {request_id} -->", "own.html")
        text = guarded(self.backend().port, f"error_pages: {{4xx: {page}}}")
        keepsake = self.start(text)
        browser = {"Accept": "text/html"}
        answer = request(keepsake.port, "/setName", headers=browser)
        self.assertRegex(answer.body, r"\A<h1>405 Method Not Allowed</h1><!-- [\w-]+ -->\Z")
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn('"status":405', request(keepsake.port, "/setName").body)
        self.write("<h1>new</h1>", "own.html")
        keepsake.reload(text, "reloaded")
        self.assertEqual(request(keepsake.port, "/setName", headers=browser).body, "<h1>new</h1>")
        (self.folder / "own.html").unlink()
        keepsake.reload(text, "reload refused")
        self.assertEqual(request(keepsake.port, "/setName", headers=browser).body, "<h1>new</h1>")

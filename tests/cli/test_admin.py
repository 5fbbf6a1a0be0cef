import http.client
import re
import shutil
import socket
import subprocess
import unittest

from support import PATIENCE, SECRET, TestCase, free_port, plain, raw, request, set_name


def value(text, sample):
    """0 for a sample that is not there: what never happened has none."""
    found = re.search(rf"(?m)^{re.escape(sample)} (\S+)$", text)
    return float(found[1]) if found else 0.0


class Admin(TestCase):
    def setUp(self):
        super().setUp()
        self.app = self.backend()
        self.keepsake = self.start(plain(backend=self.app.port, more="admin: {address: 127.0.0.1:0}\n"))

    def get(self, path, **options):
        return request(self.keepsake.admin, path, **options)

    def test_healthz_and_readyz_are_short(self):
        for path, body in {"/healthz": "ok\n", "/readyz": "ready\n", "/healthz?x": "ok\n"}.items():
            answer = self.get(path)
            self.assertEqual((answer.status, answer.body, answer.headers["Cache-Control"]), (200, body, "no-store"))

    def test_readyz_explains_on_demand(self):
        self.assertRegex(self.get("/readyz?verbose").body,
                         r"\Aready\nversion: \d+\.\d+\.\d+\nstarted: \S+Z\nconnections: \d+\n"
                         r"configuration: \S+/keepsake\.yaml, loaded \S+Z\nreloads: 0 done, 0 refused\n\Z")

    def test_everything_else_is_404_and_says_what_there_is(self):
        for path in ("/", "/healthz/", "/Healthz", "/metricsx", "//metrics", "/../config"):
            answer = self.get(path)
            self.assertEqual(answer.status, 404)
            self.assertIn("/metrics", answer.body)

    def test_the_public_side_has_none_of_it(self):
        for path in ("/healthz", "/readyz", "/metrics", "/config"):
            self.assertEqual(request(self.keepsake.port, path).body, "nobody")

    def test_only_names_that_no_public_name_service_can_give_are_answered(self):
        def status(*hosts, path="/metrics"):
            lines = "".join(f"Host: {host}\r\n" for host in hosts)
            return int(raw(self.keepsake.admin, f"GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())[9:12])
        for host in ("127.0.0.1:9090", "10.1.2.3", "[::1]", "[2001:db8::1]:9090", "localhost", "Keepsake:9090", "localhost.", "printer.local",
                     "keepsake.prod.svc", "keepsake.prod.svc.cluster.local:9090", "host.docker.internal", "A.INTERNAL."):
            self.assertEqual(status(host), 200, host)
        self.assertEqual(status(), 200)
        self.assertEqual(status(""), 200)
        for host in ("evil.example", "evil.example:9090", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "local.evil.example", "evil.example.",
                     "xlocal.example", ".local", "localhost@evil.example", "[::1].evil.example", "[evil.example]", "127.0.0.1:x", "svc.evil",
                     "0x7f.1", "evil.example,localhost"):
            for path in ("/metrics", "/config", "/healthz", "/sessions", "/nothing"):
                self.assertEqual(status(host, path=path), 403, (host, path))
        self.assertEqual(status("localhost", "evil.example"), 400)
        self.assertEqual(status("evil.example", "localhost"), 400)

    def test_names_of_ones_own_are_added(self):
        def status(host):
            return request(self.keepsake.admin, "/healthz", headers={"Host": host}).status
        self.keepsake.reload(plain(backend=self.app.port, more="admin: {address: 127.0.0.1:0, hosts: [Metrics.example.com]}\n"), "reloaded")
        self.assertEqual([status(host) for host in ("metrics.example.com:80", "METRICS.example.com.", "x.metrics.example.com", "example.com")],
                         [200, 200, 403, 403])

    def test_only_get_and_head_are_answered(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
            answer = self.get("/healthz", method=method)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"), method)
        answer = self.get("/healthz", method="HEAD")
        self.assertEqual((answer.status, answer.headers["Content-Length"], answer.body), (200, "3", ""))

    def test_a_connection_is_kept_and_closed_as_asked(self):
        link = http.client.HTTPConnection("127.0.0.1", self.keepsake.admin, timeout=PATIENCE)
        for _ in range(3):
            self.get("/healthz", connection=link)
        before = link.sock
        self.get("/metrics", connection=link)
        self.assertIs(link.sock, before)
        link.close()
        for head in ("HTTP/1.1\r\nHost: a\r\nConnection: close", "HTTP/1.0"):
            self.assertRegex(raw(self.keepsake.admin, f"GET /healthz {head}\r\n\r\n".encode()), rb"(?s)\AHTTP/1.[01] 200 OK.*\r\n\r\nok\n\Z")

    def test_what_is_no_request_is_refused_and_the_listener_lives(self):
        for sent, status in {
            b"garbage\r\n\r\n": 400,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": 400,
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc": 400,
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc": 400,
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n": 431,
        }.items():
            with self.subTest(sent=sent[:40]):
                self.assertEqual(raw(self.keepsake.admin, sent)[:12].decode(), f"HTTP/1.1 {status}")
        self.assertEqual(self.get("/healthz").status, 200)

    def test_config_is_what_runs_without_its_secrets(self):
        answer = self.get("/config")
        self.assertEqual(answer.headers["Content-Type"], "application/yaml")
        self.assertIn(f"http://127.0.0.1:{self.app.port}", answer.body)
        self.assertIn("secrets: [{env: SESSION_KEY}]", answer.body)
        self.assertNotIn(SECRET, answer.body)
        # It loads: /config is a configuration.
        text = answer.body.replace('"127.0.0.1:0"', "127.0.0.1:8080", 1)
        self.assertEqual(self.cli("check", "--config", self.write(text, "dump.yaml")).returncode, 0)

    def test_metrics_count_what_happens(self):
        before = self.get("/metrics").body
        cookie = set_name(self.keepsake.port, "Ann")
        request(self.keepsake.port, "/", headers={"Cookie": cookie, "X-Session-Name": "Eve"})
        request(self.keepsake.port, "/", headers={"Cookie": "session=garbage"})
        request(self.keepsake.port, "/503")
        request(self.keepsake.port, "/setName", "POST", "name=Eve",
                {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"})
        after = self.get("/metrics").body
        for sample, more in {
            'keepsake_requests_total{route="/*",method="GET",status="2xx"}': 2,
            'keepsake_requests_total{route="/*",method="GET",status="5xx"}': 1,
            'keepsake_requests_total{route="/setName",method="POST",status="3xx"}': 1,
            'keepsake_requests_total{route="/setName",method="POST",status="4xx"}': 1,
            'keepsake_request_duration_seconds_count{by="backend"}': 3,
            'keepsake_request_duration_seconds_count{by="set"}': 2,
            'keepsake_backend_response_seconds_bucket{backend="app",le="+Inf"}': 3,
            "keepsake_request_body_bytes_total": 8,  # that of the refused form is not read
            "keepsake_response_body_bytes_total": None,
            "keepsake_connections_accepted_total": 5,
            "keepsake_sessions_created_total": 1,
            "keepsake_sessions_opened_total": 1,
            'keepsake_cookies_rejected_total{reason="malformed"}': 1,
            "keepsake_spoofed_headers_removed_total": 1,
            "keepsake_cross_site_refused_total": 1,
        }.items():
            with self.subTest(sample=sample):
                grown = value(after, sample) - value(before, sample)
                self.assertEqual(grown, more) if more is not None else self.assertGreater(grown, 0)

    def test_gauges_tell_the_present(self):
        links = [http.client.HTTPConnection("127.0.0.1", self.keepsake.port, timeout=PATIENCE) for _ in range(3)]
        for link in links:
            request(self.keepsake.port, "/", connection=link)
        text = self.get("/metrics").body
        self.assertEqual(value(text, "keepsake_connections_open"), 3)
        self.assertEqual(value(text, "keepsake_draining"), 0)
        self.assertGreater(value(text, "process_open_fds"), 8)
        self.assertGreater(value(text, "process_resident_memory_bytes"), 1e6)
        self.assertGreater(value(text, "process_start_time_seconds"), 1.7e9)
        self.assertRegex(text, r'(?m)^keepsake_build_info\{version="\d+\.\d+\.\d+"\} 1$')
        for link in links:
            link.close()

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_likes_the_metrics(self):
        request(self.keepsake.port, "/")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.get("/metrics").body, text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_it_answers_while_somebody_holds_connections_open(self):
        idle = [socket.create_connection(("127.0.0.1", self.keepsake.admin)) for _ in range(40)]
        self.assertEqual(self.get("/healthz").status, 200)
        for link in idle:
            link.close()


class StoreIsDown(TestCase):
    def test_readyz_says_so_and_refuses_only_where_the_proxy_does(self):
        for setting, status in {"anonymous": 200, "refuse": 503}.items():
            with self.subTest(on_store_error=setting):
                store = f'store: redis, redis: {{url: "redis://127.0.0.1:{free_port()}/0"}}, on_store_error: {setting}, '
                keepsake = self.start(plain(backend=self.backend().port, more="admin: {address: 127.0.0.1:0}\n")
                                      .replace("session: {", "session: {" + store))
                answer = request(keepsake.admin, "/readyz")
                self.assertEqual((answer.status, answer.body), (status, "degraded: store\n"))
                self.assertEqual(request(keepsake.admin, "/healthz").status, 200)
                self.assertEqual(value(request(keepsake.admin, "/metrics").body, "keepsake_store_degraded"), 1)


if __name__ == "__main__":
    unittest.main()

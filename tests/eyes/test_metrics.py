import re
import unittest

from eyes import ADMIN, EyesTest, FORM, OPENMETRICS, families, promtool
from support import SECRET, plain, raw, request, set_name, until

OTHER_SECRET = "AnotherSecretOfFortyThreeCharactersForTests"


class Formats(EyesTest):
    def setUp(self):
        super().setUp()
        self.serve()
        self.some_traffic()

    def test_promtool_has_nothing_to_say(self):
        self.assertEqual(promtool("check", "metrics", stdin=self.admin("/metrics").body), (0, ""))

    def test_openmetrics_parses_strictly(self):
        text = self.openmetrics()
        self.assertTrue(text.endswith("# EOF\n"))
        types = families(text)
        self.assertEqual(types["keepsake_requests_total"], "counter")
        self.assertEqual(types["keepsake_request_duration_seconds"], "histogram")
        self.assertEqual(types["keepsake_connections_open"], "gauge")

    def test_both_formats_say_the_same(self):
        def lines(text):
            return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
        # An exchange is counted behind its answer: the last one may be missing for a moment.
        until("the last request is counted", lambda: self.value(
            "keepsake_requests_total", route="/*", method="other", status="5xx"))
        self.assertEqual(lines(self.admin("/metrics").body), lines(self.openmetrics()))

    def test_the_accept_header_chooses(self):
        plain_type = "text/plain; version=0.0.4; charset=utf-8"
        open_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        for accept, expected in {
            None: plain_type,
            "*/*": plain_type,
            "text/html": plain_type,
            OPENMETRICS: open_type,
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2": open_type,
            "application/openmetrics-text;q=0.2, text/plain;q=0.7": plain_type,
            "application/openmetrics-text;q=0": plain_type,
            "application/openmetrics-text;q=nan": plain_type,
            "application/openmetrics-text;q=" + "9" * 400: plain_type,
            "," * 500: plain_type,
        }.items():
            with self.subTest(accept=accept):
                answer = self.admin("/metrics", headers={"Accept": accept} if accept else {})
                self.assertEqual(answer.headers["Content-Type"], expected)


class Requests(EyesTest):
    def test_are_counted_by_route_method_and_status(self):
        self.serve()
        self.some_traffic()
        count = lambda route, method, status: self.value("keepsake_requests_total", route=route, method=method, status=status)
        self.assertEqual(count("/setName", "POST", "3xx"), 1)
        self.assertEqual(count("/*", "GET", "2xx"), 3)
        self.assertEqual(count("/*", "GET", "5xx"), 1)
        self.assertEqual(count("/reset", "GET", "2xx"), 0)

    def test_a_method_nobody_knows_is_other_and_no_request_has_no_route(self):
        self.serve()
        for method in ("BREW", "PROPFIND", "X" * 60):
            request(self.keepsake.port, "/", method)
        raw(self.keepsake.port, b"GET / HTTP/1.1\r\n\r\n")
        text = self.admin("/metrics").body
        self.assertEqual(set(re.findall(r'method="(\w+)"', text)) - {"GET", "other"}, set())
        self.assertEqual(sum(value for (name, labels), value in self.metrics().items()
                             if name == "keepsake_requests_total" and ("method", "other") in labels
                             and ("route", "/*") in labels), 3)
        self.assertEqual(self.value("keepsake_requests_total", route="none", method="other", status="4xx"), 1)

    def test_a_route_with_a_host_is_called_by_both(self):
        self.app = self.backend()
        text = plain(backend=self.app.port, more=ADMIN).replace(
            'routes:\n', 'routes:\n  - {host: shop.example, path: "/x/*", backend: app}\n')
        self.keepsake = self.start(text)
        request(self.keepsake.port, "/x/y", headers={"Host": "shop.example"})
        request(self.keepsake.port, "/x/y")
        self.assertEqual(self.value("keepsake_requests_total", route="shop.example/x/*", method="GET", status="2xx"), 1)
        self.assertEqual(self.value("keepsake_requests_total", route="/*", method="GET", status="2xx"), 1)

    def test_survive_a_reload_that_moves_their_routes(self):
        self.serve()
        request(self.keepsake.port, "/")
        request(self.keepsake.port, "/reset", "POST")
        moved = plain(backend=self.app.port, more=ADMIN).replace(
            'routes:\n', 'routes:\n  - {path: /new, backend: app}\n').replace("  - {path: /reset, clear: true, redirect: /}\n", "")
        self.keepsake.reload(moved, "reloaded")
        request(self.keepsake.port, "/")
        request(self.keepsake.port, "/new")
        count = lambda route, method, status: self.value("keepsake_requests_total", route=route, method=method, status=status)
        self.assertEqual(count("/*", "GET", "2xx"), 2)
        self.assertEqual(count("/new", "GET", "2xx"), 1)
        self.assertEqual(count("/reset", "POST", "3xx"), 1)  # gone, and still told

    def test_bodies_are_counted_in_bytes(self):
        self.serve()
        request(self.keepsake.port, "/setName", "POST", "name=" + "x" * 95, FORM)
        request(self.keepsake.port, "/")
        self.assertEqual(self.value("keepsake_request_body_bytes_total"), 100)
        self.assertEqual(self.value("keepsake_response_body_bytes_total"), len("nobody"))


class Times(EyesTest):
    def test_histograms_are_consistent(self):
        self.serve()
        self.some_traffic()
        found = self.metrics()
        for name, label, count in (("keepsake_request_duration_seconds", ("by", "backend"), 4),
                                   ("keepsake_backend_response_seconds", ("backend", "app"), 4)):
            buckets = [(float(dict(labels)["le"]), value) for (sample, labels), value in found.items()
                       if sample == name + "_bucket" and label in labels]
            buckets.sort()
            values = [value for _, value in buckets]
            self.assertEqual(values, sorted(values))
            self.assertEqual(buckets[-1][0], float("inf"))
            self.assertGreaterEqual(values[-1], count)
            self.assertEqual(values[-1], found[(name + "_count", (label,))])
            self.assertGreater(found[(name + "_sum", (label,))], 0)

    def test_a_slow_backend_is_in_a_high_bucket(self):
        self.serve()
        import threading
        waiting = threading.Thread(target=request, args=(self.keepsake.port, "/wait"))
        waiting.start()
        self.app.waiting.wait(20)
        threading.Event().wait(0.3)  # the time that is measured
        self.app.go.set()
        waiting.join()
        at = lambda le: self.value("keepsake_backend_response_seconds_bucket", backend="app", le=le)
        self.assertEqual((at("0.25"), at("60.0")), (0, 1))


class Keys(EyesTest):
    def test_cookies_are_counted_by_the_key_that_opened_them(self):
        self.app = self.backend()
        config = plain(backend=self.app.port, more=ADMIN)
        both = config.replace("secrets: [{env: SESSION_KEY}]", "secrets: [{env: NEW_KEY}, {env: SESSION_KEY}]")
        self.keepsake = self.start(config, NEW_KEY=OTHER_SECRET)
        old = set_name(self.keepsake.port, "Ann")
        request(self.keepsake.port, "/", headers={"Cookie": old})
        self.keepsake.reload(both, "reloaded")
        new = request(self.keepsake.port, "/", headers={"Cookie": old}).cookie()
        for _ in range(3):
            request(self.keepsake.port, "/", headers={"Cookie": new})
        shown = {key: self.cli("inspect", "--config", self.keepsake.file, cookie, NEW_KEY=OTHER_SECRET).stdout
                 for key, cookie in {"old": old, "new": new}.items()}
        ids = {key: re.search(r"key\s+\W*([0-9a-f]{8})", text)[1] for key, text in shown.items()}
        self.assertEqual(self.value("keepsake_sessions_opened_by_key_total", key_id=ids["old"], place="1"), 2)
        self.assertEqual(self.value("keepsake_sessions_opened_by_key_total", key_id=ids["new"], place="0"), 3)

    def test_a_replica_with_another_secret_shows_in_metrics_and_log_with_the_remedy(self):
        self.serve()
        mine = self.keepsake
        other = self.start(plain(backend=self.app.port), SESSION_KEY=OTHER_SECRET)
        foreign = set_name(other.port, "Ann")
        for _ in range(5):
            self.assertEqual(request(mine.port, "/", headers={"Cookie": foreign}).body, "nobody")
        self.keepsake = mine
        self.assertEqual(self.value("keepsake_cookies_rejected_total", reason="unknown_key"), 5)
        mine.said(r"not among session\.secrets \(its key id is [0-9a-f]{8}\).*give every replica the same secrets")
        self.assertEqual(mine.text.count("not among session.secrets"), 1)
        self.assertNotIn(foreign.partition("=")[2], mine.text)


if __name__ == "__main__":
    unittest.main()

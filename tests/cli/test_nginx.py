"""Two real nginx as the servers of a backend: shares, health, one that is killed, a unix socket."""

import collections
import re
import unittest

import nginx
from support import TestCase, free_port, request, until

YAML = """\
listen: [{address: 127.0.0.1:0}]
workers: 1
backends: {app: {servers: [SERVERS], MORE}}
routes: [{path: "/*", backend: app}]
session: {secrets: [{env: SESSION_KEY}]}
log: {access: false}
admin: {address: 127.0.0.1:0}
"""
SERVER = """
    listen {listen};
    location / {{ return 200 {name}; }}
    location = /healthz {{ root {root}; }}
"""


@nginx.needs_nginx
class Servers(TestCase):
    def server(self, name, port=None):
        """It is healthy as long as there is a file."""
        root = self.folder / name
        root.mkdir(exist_ok=True)
        (root / "healthz").touch()
        port = port or free_port()
        listen = f"127.0.0.1:{port}; listen unix:{root}/socket"
        (root / "socket").unlink(missing_ok=True)
        server = nginx.Nginx(self.folder, port, SERVER.format(listen=listen, name=name, root=root))
        self.addCleanup(server.stop)
        return server

    def start_before(self, entries, more):
        self.keepsake = self.start(YAML.replace("SERVERS", ", ".join(entries)).replace("MORE", more))

    def counts(self, requests):
        answers = [request(self.keepsake.port, "/") for _ in range(requests)]
        self.assertEqual({answer.status for answer in answers}, {200})
        return collections.Counter(answer.body for answer in answers)

    def metric(self, name, port):
        text = request(self.keepsake.admin, "/metrics").body
        return int(re.search(rf'^{name}\{{[^}}]*server="http://127\.0\.0\.1:{port}"\}} (\d+)$', text, re.M)[1])

    def test_a_round_has_the_shares_of_the_weights(self):
        one, two = self.server("one"), self.server("two")
        self.start_before([f'{{url: "http://127.0.0.1:{one.port}", weight: 1}}',
                           f'{{url: "http://127.0.0.1:{two.port}", weight: 3}}'], "balance: round_robin")
        self.assertEqual(self.counts(80), {"one": 20, "two": 60})

    def test_the_health_of_each_decides_who_is_asked(self):
        one, two = self.server("one"), self.server("two")
        self.start_before([f'"http://127.0.0.1:{server.port}"' for server in (one, two)],
                          "health_check: {interval: 500ms, timeout: 500ms, unhealthy: 2, healthy: 2}")
        self.assertEqual(self.counts(10), {"one": 5, "two": 5})
        (self.folder / "one/healthz").unlink()
        self.keepsake.said(rf"http://127\.0\.0\.1:{one.port} is unhealthy: it answered 404")
        until("the worker knows", lambda: self.counts(10) == {"two": 10})
        self.assertEqual([self.metric("keepsake_server_healthy", server.port) for server in (one, two)], [0, 1])
        (self.folder / "one/healthz").touch()
        self.keepsake.said(rf"http://127\.0\.0\.1:{one.port} is healthy again")
        until("the worker knows", lambda: self.counts(10) == {"one": 5, "two": 5})

    def test_one_that_is_killed_costs_no_request_is_left_out_and_comes_back(self):
        one, two = self.server("one"), self.server("two")
        self.start_before([f'"http://127.0.0.1:{server.port}"' for server in (one, two)], "ejection: {failures: 3, for: 2s}")
        self.assertEqual(self.counts(10), {"one": 5, "two": 5})
        one.stop()
        until("it is left out", lambda: self.counts(10) and self.metric("keepsake_server_ejected", one.port) == 1)
        self.assertGreaterEqual(self.metric("keepsake_server_connect_failures_total", one.port), 3)
        self.server("one", one.port)
        until("it has its share again", lambda: self.counts(10) == {"one": 5, "two": 5})
        self.assertEqual(self.metric("keepsake_server_ejected", one.port), 0)

    def test_a_unix_socket_is_a_server_like_any_other(self):
        one, two = self.server("one"), self.server("two")
        self.start_before([f'"unix:{self.folder}/one/socket"', f'"http://127.0.0.1:{two.port}"'],
                          "health_check: {interval: 500ms, timeout: 500ms, unhealthy: 2}")
        self.assertEqual(self.counts(10), {"one": 5, "two": 5})
        one.stop()
        self.keepsake.said(r"unix:\S+/one/socket is unhealthy: cannot connect")
        until("the worker knows", lambda: self.counts(10) == {"two": 10})


if __name__ == "__main__":
    unittest.main()

"""Several servers behind one backend, seen from outside: two workers, replicas, a server that dies and
comes back."""

import collections
import concurrent.futures
import contextlib
import http.server
import socket
import struct
import threading
import time
import unittest

from support import PATIENCE, TestCase, free_port, request, set_name, until

YAML = """\
listen: [{address: 127.0.0.1:0}]
workers: WORKERS
backends:
  app:
    servers: [SERVERS]
    MORE
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
log: {access: false}
"""


class Server:
    """Answers with its own name; knows how many requests it had at once at most. Without `healthy` its
    health check fails; while `gate` is closed nothing but that is answered, and while `answering` is, not even
    that."""

    def __init__(self, name, port=0):
        self.name, self.most, self.now, self.checks = name, 0, 0, 0
        self.healthy, self.slow, self.links = True, 0, []
        self.lock, self.gate = threading.Lock(), threading.Event()
        self.gate.set()
        self.answering = threading.Event()
        self.answering.set()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path == "/healthz":
                    server.checks += 1
                    server.answering.wait()
                    return self.answer(200 if server.healthy else 500)
                with server.lock:
                    server.now += 1
                    server.most = max(server.most, server.now)
                server.gate.wait()
                time.sleep(server.slow)
                with server.lock:
                    server.now -= 1
                return self.answer(200)

            def answer(self, status):
                self.send_response(status)
                self.send_header("Content-Length", str(len(server.name)))
                with contextlib.suppress(OSError):  # a check that was given up
                    self.end_headers()
                    self.wfile.write(server.name.encode())

            def log_message(self, *_):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 100

            def process_request(self, link, address):
                server.links.append(link)
                super().process_request(link, address)

        self.listener = Listener(("127.0.0.1", port), Handler)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.gate.set()
        self.answering.set()
        self.listener.shutdown()
        self.listener.server_close()
        for link in self.links:  # those that keepsake keeps, too
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


class Backends(TestCase):
    def servers(self, count):
        servers = [Server(f"s{i}") for i in range(count)]
        for server in servers:
            self.addCleanup(server.close)
        return servers

    def keepsake(self, servers, more, entry='"http://127.0.0.1:{port}"', ports=None, workers=2):
        ports = ports or [server.port for server in servers]
        entries = ", ".join(entry.format(port=port, weight=i + 1) for i, port in enumerate(ports))
        return self.start(YAML.replace("SERVERS", entries).replace("MORE", more).replace("WORKERS", str(workers)))

    def counts(self, keepsake, requests, headers=None):
        return collections.Counter(request(keepsake.port, "/", headers=headers).body for _ in range(requests))

    def test_weights_are_shares(self):
        keepsake = self.keepsake(self.servers(3), "balance: round_robin",
                                 '{{url: "http://127.0.0.1:{port}", weight: {weight}}}')
        counts = self.counts(keepsake, 120)
        for i in range(3):
            self.assertAlmostEqual(counts[f"s{i}"], 20 * (i + 1), delta=6)

    def test_replicas_send_a_visitor_to_the_same_server(self):
        servers = self.servers(4)
        replicas = [self.keepsake(servers, "balance: session_hash") for _ in range(2)]
        homes = collections.Counter()
        for i in range(24):
            cookie = set_name(replicas[i % 2].port, f"visitor {i}")
            seen = {request(replica.port, "/", headers={"Cookie": cookie}).body
                    for replica in replicas for _ in range(4)}
            self.assertEqual(len(seen), 1)
            homes.update(seen)
        self.assertGreater(len(homes), 2)

    def test_a_server_that_dies_moves_only_its_own_visitors(self):
        servers = self.servers(4)
        keepsake = self.keepsake(servers, "balance: session_hash")
        cookies = [set_name(keepsake.port, f"visitor {i}") for i in range(24)]

        def home(cookie):
            answer = request(keepsake.port, "/", headers={"Cookie": cookie})
            self.assertEqual(answer.status, 200)
            return answer.body

        homes = {cookie: home(cookie) for cookie in cookies}
        servers[1].close()
        for cookie in cookies:
            if homes[cookie] == "s1":
                self.assertNotEqual(home(cookie), "s1")
                self.assertEqual(home(cookie), home(cookie))
            else:
                self.assertEqual(home(cookie), homes[cookie])

    def test_max_requests_holds_over_all_workers_and_nobody_is_forgotten(self):
        servers = self.servers(2)
        for server in servers:
            server.slow = 0.005
        keepsake = self.keepsake(servers, "max_requests: 3\n    queue: {size: 1000, timeout: 1m}")
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: request(keepsake.port, "/").status, range(600)))
        self.assertEqual(set(answers), {200})
        for server in servers:
            self.assertEqual(server.most, 3)

    def test_a_reset_gives_up_the_place_in_the_queue_and_a_half_close_keeps_it(self):
        servers = self.servers(1)
        servers[0].gate.clear()
        keepsake = self.keepsake(servers, "max_requests: 1\n    queue: {size: 2, timeout: 1m}", workers=1)
        with contextlib.ExitStack() as links:
            def ask(path):
                link = links.enter_context(socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE))
                link.sendall(f"GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                return link
            first = ask("first")
            until("it is at the server", lambda: servers[0].now == 1)
            resets, half = ask("resets"), ask("half")
            half.shutdown(socket.SHUT_WR)
            until("the queue is full", lambda: request(keepsake.port, "/").status == 503)
            resets.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            resets.close()
            # Its place is free long before its minute is over: one that comes may wait there.
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                def waits():
                    late = pool.submit(request, keepsake.port, "/")
                    with contextlib.suppress(concurrent.futures.TimeoutError):
                        return None if late.result(0.3).status == 503 else late
                    return late
                late = until("there is room", waits)
                servers[0].gate.set()
                self.assertEqual(late.result().status, 200)
            for link in (first, half):
                self.assertEqual(link.recv(65536)[9:12], b"200")
            self.assertEqual(servers[0].most, 1)

    def test_more_than_servers_and_queue_hold_is_503(self):
        servers = self.servers(1)
        servers[0].gate.clear()
        keepsake = self.keepsake(servers, "max_requests: 2\n    queue: {size: 3, timeout: 1m}")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = [pool.submit(request, keepsake.port, "/") for _ in range(12)]
            refused = until("all but five are refused",
                            lambda: (lambda done: done if len(done) == 7 else None)(
                                [a.result() for a in answers if a.done()]))
            servers[0].gate.set()
            self.assertEqual(collections.Counter(a.result().status for a in answers), {200: 5, 503: 7})
        self.assertEqual({answer.headers["Retry-After"] for answer in refused}, {"1"})

    def test_a_server_that_fails_its_checks_gets_nothing_and_comes_back(self):
        servers = self.servers(2)
        keepsake = self.keepsake(servers, "health_check: {interval: 100ms, timeout: 100ms, unhealthy: 2}")
        servers[0].healthy = False
        keepsake.said(r"is unhealthy: it answered 500")
        until("all workers know", lambda: set(self.counts(keepsake, 20)) == {"s1"})
        servers[1].healthy = False
        until("nobody is left", lambda: request(keepsake.port, "/").status == 503)
        servers[0].healthy = True
        keepsake.said("is healthy again")
        until("all workers know", lambda: set(self.counts(keepsake, 20)) == {"s0"})

    def test_a_server_that_does_not_answer_its_checks_costs_requests_nothing(self):
        port = free_port()
        silent = Server("silent", port)
        servers = self.servers(1)
        silent.close()
        keepsake = self.keepsake(servers, "health_check: {interval: 100ms, timeout: 100ms, unhealthy: 2}",
                                 ports=[port, servers[0].port])
        keepsake.said(r"is unhealthy: cannot connect")
        until("all workers know", lambda: set(self.counts(keepsake, 20)) == {"s0"})
        back = Server("back", port)
        self.addCleanup(back.close)
        keepsake.said("is healthy again")
        until("it gets its share", lambda: set(self.counts(keepsake, 20)) == {"s0", "back"})

    def test_a_check_that_is_never_answered_has_failed(self):
        servers = self.servers(2)
        servers[0].answering.clear()
        keepsake = self.keepsake(servers, "health_check: {interval: 200ms, timeout: 200ms, unhealthy: 2}")
        keepsake.said(rf"127\.0\.0\.1:{servers[0].port} is unhealthy: no answer in time")
        until("all workers know", lambda: set(self.counts(keepsake, 20)) == {"s1"})
        servers[0].answering.set()
        keepsake.said("is healthy again")
        until("it gets its share", lambda: set(self.counts(keepsake, 20)) == {"s0", "s1"})

    def test_least_requests_avoids_a_server_that_hangs(self):
        servers = self.servers(2)
        servers[0].gate.clear()
        keepsake = self.keepsake(servers, "balance: least_requests", workers=1)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            asked = []

            def hangs():
                asked.append(pool.submit(request, keepsake.port, "/"))
                until("it is answered or hangs", lambda: asked[-1].done() or servers[0].now == 1)
                return not asked[-1].done()
            until("one hangs", hangs)
            self.assertEqual(self.counts(keepsake, 40), {"s1": 40})
            servers[0].gate.set()
            self.assertEqual({one.result().status for one in asked}, {200})

    def test_a_server_that_comes_back_begins_with_a_tenth_of_its_share(self):
        servers = self.servers(2)
        servers[0].healthy = False
        keepsake = self.keepsake(servers, "slow_start: 1h\n    "
                                 "health_check: {interval: 200ms, timeout: 200ms, unhealthy: 2, healthy: 2}")
        keepsake.said("is unhealthy")
        servers[0].healthy = True
        keepsake.said("is healthy again")
        until("it gets something", lambda: self.counts(keepsake, 40)["s0"])
        counts = self.counts(keepsake, 220)
        self.assertAlmostEqual(counts["s0"], 20, delta=15)  # a tenth of the other's, of two workers

    def test_every_address_of_a_name_is_used_and_a_dead_one_does_no_harm(self):
        # localhost is 127.0.0.1 and on most machines ::1, too, where nobody listens.
        servers = self.servers(1)
        keepsake = self.keepsake(servers, "keepalive: {idle: 0}", '"http://localhost:{port}"')
        until("it resolves", lambda: request(keepsake.port, "/").status == 200)
        self.assertEqual(self.counts(keepsake, 40), {"s0": 40})

    def test_a_name_that_does_not_exist_is_no_reason_not_to_start(self):
        keepsake = self.keepsake([], "balance: round_robin", '"http://keepsake-test.invalid:{port}"', [80])
        self.assertEqual(request(keepsake.port, "/").status, 502)
        keepsake.said(r"cannot resolve http://keepsake-test\.invalid:80: ")


if __name__ == "__main__":
    unittest.main()

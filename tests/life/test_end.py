"""The end of a process that serves no request: whatever is half open does not hold it up."""

import contextlib
import http.client
import itertools
import os
import re
import signal
import socket
import subprocess
import time

from support import BIN, Running, environment, free_port, request
from support_life import PATIENCE, LifeCase, at, kept, listening, plain, until

PROXY = "trusted_proxies: [127.0.0.1]\n"
SOON = 1.0  # from the signal to the end


class Silent:
    """A server that accepts and says nothing."""

    def __init__(self, case):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        case.addCleanup(self.listener.close)

    def accept(self, case):
        self.listener.settimeout(PATIENCE)
        link = self.listener.accept()[0]
        case.addCleanup(link.close)
        return link


class NothingInFlight(LifeCase):
    def connect(self, port, first=b""):
        link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.addCleanup(link.close)
        link.sendall(first)
        return link

    def ends_soon(self, keepsake):
        began = time.monotonic()
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        self.assertLess(time.monotonic() - began, SOON, keepsake.text)

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=a", "-keyout", self.folder / "k", "-out", self.folder / "c"], check=True, capture_output=True)
        return f", tls: {{certificate: {self.folder}/c, key: {self.folder}/k}}"

    def test_connections_before_their_first_request(self):
        ports = [free_port() for _ in range(3)]
        text = listening(at(ports[0]), at(ports[1], self.certificate()), at(ports[2], ", proxy_protocol: true"),
                         backend=self.demo_backend(), more=PROXY)
        keepsake = self.start(text)
        self.connect(ports[0])
        kept(ports[0])
        self.connect(ports[1])
        self.connect(ports[1], b"\x16\x03\x01")
        self.connect(ports[2])
        self.connect(ports[2], b"PROXY TCP4 ")
        self.ends_soon(keepsake)

    def test_a_client_that_was_turned_away_and_stays(self):
        port = free_port()
        keepsake = self.start(listening(at(port), backend=self.demo_backend(), more="limits: {connections: 1}\n"))
        served = kept(port)
        refused = self.connect(port)
        self.assertIn(b"503", refused.recv(4096))
        served.close()
        self.ends_soon(keepsake)

    def test_a_client_that_was_answered_and_goes_on_sending(self):
        port = free_port()
        keepsake = self.start(listening(at(port), backend=self.demo_backend(), more="limits: {body: 1KiB}\n"))
        link = self.connect(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nxxxx")
        self.assertIn(b"413", link.recv(4096))
        self.ends_soon(keepsake)

    def test_a_health_check_that_a_reload_took_away(self):
        silent, port = Silent(self), free_port()
        def text(check):
            return listening(at(port), backend=silent.port).replace("]}}\n", "]" + check + "}}\n", 1)
        keepsake = self.start(text(", health_check: {interval: 60s, timeout: 50s}"))
        silent.accept(self)
        keepsake.reload(text(""), "reloaded")
        self.ends_soon(keepsake)

    def test_a_store_that_does_not_answer(self):
        silent = Silent(self)
        keepsake = self.start(plain(0, self.demo_backend()).replace(
            "SESSION_KEY}]", f'SESSION_KEY}}], store: redis, redis: {{url: "redis://127.0.0.1:{silent.port}", timeout: 20s}}'))
        silent.accept(self)
        self.ends_soon(keepsake)

    def test_a_visitor_of_the_admin_listener(self):
        keepsake = self.start(plain(0, self.demo_backend(), "admin: {address: 127.0.0.1:0}\n"))
        self.connect(keepsake.admin)
        self.connect(keepsake.admin, b"GET /healthz HT")
        link = http.client.HTTPConnection("127.0.0.1", keepsake.admin, timeout=PATIENCE)
        self.addCleanup(link.close)
        request(keepsake.admin, "/healthz", connection=link)
        self.ends_soon(keepsake)


class SecondSignal(LifeCase):
    def test_it_ends_everything_at_once_and_that_is_no_failure(self):
        silent, port = Silent(self), free_port()
        keepsake = self.start(listening(at(port), backend=silent.port, more="limits: {connections: 2}\nworkers: 1\n"))
        busy = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        busy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        silent.accept(self)
        halfway = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        halfway.sendall(b"GET / HT")
        refused = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.assertIn(b"503", refused.recv(4096))
        for link in (busy, halfway, refused):
            self.addCleanup(link.close)
        keepsake.signal(signal.SIGTERM)
        keepsake.said("draining")
        began = time.monotonic()
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        self.assertLess(time.monotonic() - began, SOON)

    def test_a_unix_socket_leaves_no_file_either_way(self):
        for signals in (1, 2):
            path, admin = self.folder / "http.sock", self.folder / "admin.sock"
            keepsake = Running([BIN, "run", "--config", self.write(
                listening(f"{{address: 'unix:{path}'}}", backend=1,
                          more=f"admin: {{address: 'unix:{admin}'}}\ntimeouts: {{drain_delay: {'0s' if signals == 1 else '30s'}}}\n"))],
                env=environment())
            self.addCleanup(keepsake.kill)
            keepsake.said("sessions: ")
            self.assertTrue(path.is_socket() and admin.is_socket())
            for _ in range(signals):
                keepsake.signal(signal.SIGTERM)
                keepsake.said("not ready any more|draining")
            self.assertEqual(keepsake.ends(), 0)
            self.assertFalse(path.exists() or admin.exists(), keepsake.text)


class UnreadLog(LifeCase):
    """Standard error is a pipe that is full."""

    def begin(self, text):
        self.reader, writer = os.pipe()
        self.addCleanup(os.close, self.reader)
        child = subprocess.Popen([BIN, "run", "--config", self.write(text)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=writer, env=environment())
        self.writer = writer
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.addCleanup(os.close, writer)
        return child

    def fill(self):
        os.set_blocking(self.writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x" * 4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.writer, b"x")
        os.set_blocking(self.writer, True)

    def dropped(self, admin):
        return int(re.search(r"^keepsake_log_lines_dropped_total (\d+)", request(admin, "/metrics").body, re.M)[1])

    def test_delays_no_request_and_no_signal_and_its_lines_are_counted(self):
        port, admin = free_port(), free_port()
        text = listening(at(port), backend=1, more=f"workers: 2\nadmin: {{address: 127.0.0.1:{admin}}}\n").replace(
            "log: {access: false}", "log: {access: false, level: debug}")
        child = self.begin(text)
        until("it answers", lambda: self.is_up(admin))
        self.fill()
        status = {request(port, path).status for path in ("/", "/setName", "/other") for _ in range(10)}
        self.assertEqual(status, {502, 405})
        turns = itertools.count()

        def lines_are_dropped():
            turn = next(turns)  # a warning for every second route, each a new one: none is repeated
            hidden = "".join(f'  - {{path: "/a{turn}-{n}", backend: app}}\n' * 2 for n in range(300))
            (self.folder / "keepsake.yaml").write_text(text.replace("routes:\n", "routes:\n" + hidden))
            child.send_signal(signal.SIGHUP)
            return self.dropped(admin)
        until("lines are dropped", lines_are_dropped)
        self.assertEqual(request(port, "/").status, 502)
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(PATIENCE), 0)
        self.assertLess(time.monotonic() - began, 2)

    def is_up(self, admin):
        try:
            return request(admin, "/healthz").status == 200
        except OSError:
            return False


class Limited(LifeCase):
    def test_a_warning_that_requests_cause_is_written_a_few_times_and_then_counted(self):
        port = free_port()
        keepsake = self.start(listening(at(port), backend=1))
        for _ in range(100):
            self.assertEqual(request(port, "/").status, 502)
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        for kind in ("cannot connect to", "backend fault backend_unreachable"):
            lines = keepsake.text.count(kind)
            self.assertGreater(lines, 0)
            self.assertLess(lines, 80, kind)

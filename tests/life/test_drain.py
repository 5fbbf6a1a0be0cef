"""The end of a process, as clients see it."""

import http.client
import signal
import socket
import struct
import time

from support import free_port, request
from support_life import PATIENCE, LifeCase, ask, at, kept, listening, refuses, until

ADMIN = "admin: {address: 127.0.0.1:0}\n"
HANDSHAKE = (b"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


class Drain(LifeCase):
    def test_readiness_fails_first_and_the_listeners_follow(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend, more=ADMIN + "timeouts: {drain_delay: 700ms, drain: 5s}\n"))
        link = kept(port)
        began = time.monotonic()
        keepsake.signal(signal.SIGTERM)
        keepsake.said(r"Terminated: not ready any more; listening for 700ms still, then draining for at most 5s")
        state = request(keepsake.admin, "/readyz")
        self.assertEqual((state.status, state.body), (503, "draining\n"))
        self.answers(port)
        self.assertEqual(ask(link), (200, True))
        keepsake.said("draining, 1 connections are open")
        self.assertGreaterEqual(time.monotonic() - began, 0.7)
        until("it refuses", lambda: refuses(port))
        self.assertEqual(keepsake.ends(), 0)
        link.close()

    def test_a_second_signal_ends_the_delay_too(self):
        keepsake = self.start(listening(at(free_port()), backend=1, more="timeouts: {drain_delay: 30s}\n"))
        keepsake.signal(signal.SIGTERM)
        keepsake.said("not ready any more")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(10), 0)

    def test_a_kept_connection_may_bring_its_next_request(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend, more=ADMIN))
        links = [kept(port) for _ in range(5)]
        keepsake.signal(signal.SIGTERM)
        keepsake.said("draining")
        for link in links:
            self.assertEqual(ask(link), (200, False))
            link.close()
        self.assertEqual(keepsake.ends(), 0)

    def test_whoever_waits_in_the_queue_is_served(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend))
        keepsake.signal(signal.SIGSTOP)
        links = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(50)]
        for link in links:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        keepsake.signal(signal.SIGTERM)
        keepsake.signal(signal.SIGCONT)
        for link in links:
            answer = link.recv(4096)
            self.assertIn(b"200 OK", answer)
            self.assertIn(b"Connection: close", answer)
            link.close()
        self.assertEqual(keepsake.ends(), 0)

    def test_a_websocket_gets_its_close(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend))
        link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        link.sendall(HANDSHAKE)
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += link.recv(1)
        self.assertIn(b"101 Switching", received)
        link.sendall(b"\x81\x85mask" + bytes(a ^ b for a, b in zip(b"hello", b"maskm")))
        echo = link.recv(64)
        self.assertEqual(echo, b"\x81\x05hello")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(link.recv(64), b"\x88\x02" + struct.pack("!H", 1001))
        link.sendall(b"\x88\x82mask" + bytes(a ^ b for a, b in zip(b"\x03\xe9", b"ma")))
        self.assertEqual(link.recv(64), b"")
        self.assertEqual(keepsake.ends(10), 0)
        link.close()

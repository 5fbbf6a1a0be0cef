"""The PROXY header at a listener of the real program: who is believed, and what becomes of those who lie."""

import re
import socket
import unittest

import support
import world
from support import PATIENCE

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
V1 = b"PROXY TCP4 198.51.100.7 192.0.2.1 4660 443\r\n"
BLOCK = socket.inet_aton("198.51.100.7") + socket.inet_aton("192.0.2.1") + b"\x12\x34\x01\xbb"


def v2(block=BLOCK, length=None, command=0x21, family=0x11):
    size = len(block) if length is None else length
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, family]) + size.to_bytes(2, "big") + block


class Headers(world.TestCase):
    def start_behind(self, trusted):
        demo = self.demo_backend()
        self.keepsake = self.run_keepsake(self.config(
            "[{address: \"127.0.0.1:0\", proxy_protocol: true}]", demo,
            f"trusted_proxies: [{trusted}]\ntimeouts: {{handshake: 500ms}}\nlog: {{access_file: {self.folder}/access.log}}\n"))

    def send(self, data):
        """All that comes back."""
        with socket.create_connection(("127.0.0.1", self.keepsake.port), timeout=PATIENCE) as link:
            link.sendall(data)
            received = b""
            try:
                while piece := link.recv(65536):
                    received += piece
            except ConnectionResetError:
                pass  # bytes that nobody read
            return received

    def refused(self):
        return self.keepsake.metric("keepsake_proxy_headers_refused_total")

    def test_both_versions_name_the_client_in_headers_and_in_the_log(self):
        self.start_behind("127.0.0.1")
        for header in (V1, v2(), v2(BLOCK + b"\x04\0\x03abc")):
            with self.subTest(header=header):
                answer = self.send(header + REQUEST.replace(b"/ ", b"/headers ")).decode()
                self.assertIn("HTTP/1.1 200", answer)
                self.assertRegex(answer, r"X-Forwarded-For[^\n]*198\.51\.100\.7")
                self.assertNotIn("203.0.113.9", answer)
        self.assertEqual(self.refused(), 0)
        log = self.folder / "access.log"
        lines = support.until("three lines", lambda: (lambda lines: lines if len(lines) == 3 else None)(
            log.read_text().splitlines()))
        self.assertEqual({line.split()[0] for line in lines}, {"198.51.100.7"})

    def test_of_an_untrusted_peer_it_closes_the_connection_unread(self):
        self.start_behind("10.0.0.0/8")
        for header in (V1, v2(), b""):
            self.assertEqual(self.send(header + REQUEST), b"")
        self.assertEqual(self.refused(), 3)
        self.keepsake.said(r"127\.0\.0\.1[^\n]* it is not in trusted_proxies")

    def test_a_lying_length_is_no_header_and_no_request(self):
        self.start_behind("127.0.0.1")
        lies = {"too short for its addresses": v2(length=3), "too long for any": v2(length=0xffff),
                "longer than what comes": v2(length=200), "an endless first version": V1[:-2] + b" " * 200}
        for what, header in lies.items():
            with self.subTest(what):
                before = self.refused()
                self.assertEqual(self.send(header + (b"" if "than what comes" in what else REQUEST)), b"")
                self.assertEqual(self.refused(), before + 1)
        # One that swallows a part of the request leaves half a request, which is none.
        answer = self.send(v2(length=len(BLOCK) + 20) + REQUEST)
        self.assertRegex(answer, rb"\A(HTTP/1\.1 400 |\Z)")
        self.assertEqual(self.send(V1 + REQUEST)[9:12], b"200")

    def test_a_bad_one_is_told_in_one_line_without_its_bytes(self):
        self.start_behind("127.0.0.1")
        self.assertEqual(self.send(b"PROXY m4rk3d\r\n" + REQUEST), b"")
        self.keepsake.said("PROXY header")
        lines = [line for line in self.keepsake.text.splitlines() if "PROXY header" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"127\.0\.0\.1")
        self.assertFalse(re.search("m4rk3d", self.keepsake.text))


if __name__ == "__main__":
    unittest.main()

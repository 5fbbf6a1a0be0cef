"""Plain http at a listener of https."""

import re

import support
import world


class PlainHttp(world.TestCase):
    """What a person meets who leaves out the https://."""

    def status_and_location(self, port, request):
        answer = support.raw(port, request.replace("\n", "\r\n").encode()).decode()
        location = re.search(r"(?i)^location: (\S+)", answer, re.M)
        return int(answer[9:12]), location and location[1], answer

    def test_is_told_that_this_is_https(self):
        keepsake = self.start_tls()
        for request in ("GET / HTTP/1.1\nHost: a\n\n", "POST /setName HTTP/1.1\nHost: a\nContent-Length: 6\n\nname=x",
                        "BREW /x HTTP/1.0\n\n", "\nGET / HTTP/1.1\nHost: a\n\n", "get / HTTP/1.1\nHost: a\n\n"):
            status, _, answer = self.status_and_location(keepsake.port, request)
            self.assertEqual(status, 400, request)
            self.assertIn("https", answer)
            self.assertNotIn("et-Cookie", answer)
            self.assertIn("Connection: close", answer)
        self.assertEqual(self.fetch(keepsake.port), (200, "nobody"))

    def test_is_sent_to_https_where_that_is_wanted(self):
        def start(redirect):
            pair = self.authority.make("server", "app.example")
            text = self.config(f"[{{address: \"127.0.0.1:0\", redirect_to_https: {redirect}, tls: {pair.yaml('')}}}]", self.backend().port)
            return self.run_keepsake(text)
        asked = "GET /a?b HTTP/1.1\nHost: App.example:8443\nConnection: close\n\n"
        keepsake = start("true")
        self.assertEqual(self.status_and_location(keepsake.port, asked)[:2], (308, "https://app.example:8443/a?b"))
        self.assertEqual(self.status_and_location(keepsake.port, asked.replace(":8443", ""))[:2], (308, "https://app.example/a?b"))
        self.assertEqual(self.fetch(keepsake.port), (200, "nobody"))  # by https it is served, not sent on
        self.assertEqual(self.status_and_location(start("9443").port, asked)[:2], (308, "https://app.example:9443/a?b"))

    def test_other_bytes_are_closed_without_an_answer(self):
        keepsake = self.start_tls()
        for first in (b"\x00", b"\x80\x2e\x01\x03", b"{}", b"\xff" * 20, b"5"):
            answer = support.raw(keepsake.port, first + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1 ", answer)

import os
import random
import shutil
import tempfile
import unittest

import judge
import odd
import reference
from world import World

LONG = os.environ.get("HOSTILE") == "long"
# Good requests of each framing, to be damaged.
BASES = [
    b"GET /a?b=c HTTP/1.1\r\nHost: a.example:81\r\nX-Y: z w\r\nConnection: close\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTE: trailers\r\n\r\nhello",
    b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
    b"PUT http://h:8/x HTTP/1.0\r\nHost: h:8\r\nCookie: a=b; c=d\r\nContent-Length: 03\r\n\r\nabc",
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\n\r\n",
]
# Bytes that parsers like to disagree about.
TELLING = b"\0\t\n\x0b\x0c\r !\"#%(),/0:;=@\\\x7f\x80\xa0\xff"


class Requests(unittest.TestCase):
    """What must be refused is, with the right status and a closed connection; what passes reaches the backend as it
    must; nothing ambiguous and nothing half reaches it as a whole request."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="keepsake-hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.world = World(cls.folder)
        cls.addClassCleanup(cls.world.close)

    def setUp(self):
        self.count = 0

    def tearDown(self):
        self.assertEqual(self.world.backend.broken, [])
        for bytes_ in self.world.backend.cut:
            meaning, _ = reference.read_request(bytes_, reference.Limits(128 * 1024, 1000, 128 * 1024, 1 << 40))
            self.assertIsInstance(meaning, reference.Incomplete)
        self.assertIsNone(self.world.keepsake.child.poll(), "keepsake ended")
        print(f"     {self.count} streams", flush=True)

    def judge(self, data, **how):
        self.count += 1
        judge.judge(self.world, data, **how)

    def test_a_byte_is_another_at_every_place(self):
        rng = random.Random(1)
        for base in BASES:
            for at in range(len(base)):
                for byte in range(256) if LONG else set(TELLING) | set(rng.sample(range(256), 4)):
                    self.judge(base[:at] + bytes([byte]) + base[at + 1:])

    def test_a_byte_too_many_or_too_few_at_every_place(self):
        rng = random.Random(2)
        for base in BASES:
            for at in range(len(base)):
                for byte in range(256) if LONG else rng.sample(range(256), 6):
                    self.judge(base[:at] + bytes([byte]) + base[at:])
                self.judge(base[:at] + base[at + 1:])
                self.judge(base[:at])

    def test_odd_parts_by_chance(self):
        for seed in range(100_000 if LONG else 6_000):
            self.judge(odd.stream(random.Random(seed)))

    def test_odd_parts_by_chance_in_pieces(self):
        for seed in range(10_000 if LONG else 1_000):
            rng = random.Random(-1 - seed)
            data = odd.stream(rng)
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 5)))
            self.judge(data, pieces=[data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])])

    def test_byte_by_byte(self):
        for base in BASES + [odd.stream(random.Random(seed))[:2000] for seed in range(40)]:
            self.judge(base, pieces=[bytes([byte]) for byte in base])

    def test_a_smuggled_request_behind_every_framing(self):
        for line in odd.LENGTHS + odd.CODINGS:
            for second in odd.LENGTHS[::5] + odd.CODINGS[::5] + [b"X: y"]:
                for body in (odd.SMUGGLED[0], b"5\r\nhello\r\n0\r\n\r\n" + odd.SMUGGLED[0], odd.SMUGGLED[2]):
                    lines = (line + b"\r\n" + second).replace(b"%d", b"5")
                    self.judge(b"POST / HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\n\r\n" + body)


class Statuses(unittest.TestCase):
    """The cases that have one right answer, by hand: what the reference is held against."""

    def test_each(self):
        good = "Host: h\r\n"
        for status, text in [
                (400, "GET / HTTP/1.1\r\n\r\n"), (400, f"GET / HTTP/1.1\r\n{good}Host: h\r\n\r\n"),
                (400, f"GET  / HTTP/1.1\r\n{good}\r\n"), (400, f"GET / HTTP/1.1\r\n{good}X : y\r\n\r\n"),
                (400, f"GET / HTTP/1.1\r\n{good}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
                (400, f"GET / HTTP/1.1\r\n{good}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (400, f"GET / HTTP/1.0\r\n{good}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                (501, f"GET / HTTP/1.1\r\n{good}Transfer-Encoding: gzip\r\n\r\n"),
                (501, f"GET / HTTP/1.1\r\n{good}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
                (501, f"GET / HTTP/1.1\r\n{good}Transfer-Encoding: identity\r\n\r\n"),
                (400, f"GET / HTTP/1.1\r\n{good}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
                (400, f"GET / HTTP/1.1\r\n{good}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
                (405, f"CONNECT h:80 HTTP/1.1\r\n{good}\r\n"), (405, f"TRACE / HTTP/1.1\r\n{good}\r\n"),
                (417, f"POST / HTTP/1.1\r\n{good}Expect: x\r\n\r\n"),
                (505, f"GET / HTTP/2.0\r\n{good}\r\n"), (400, f"GET / HTTP/1.32\r\n{good}\r\n"),
                (413, f"POST / HTTP/1.1\r\n{good}Content-Length: 67108865\r\n\r\n"),
                (414, f"GET /{'x' * 8192} HTTP/1.1\r\n{good}\r\n"),
                (431, f"GET / HTTP/1.1\r\n{good}X: {'y' * 17000}\r\n\r\n"),
                (431, f"GET / HTTP/1.1\r\n{good}" + "X: y\r\n" * 100 + "\r\n"),
                (400, f"GET / HTTP/1.1\r\n{good}Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"),
                (200, f"GET / HTTP/1.1\r\n{good}" + "X: y\r\n" * 99 + "\r\n"),
                (200, f"GET /{'x' * 8191} HTTP/1.1\r\n{good}\r\n"), (200, f"GET / HTTP/1.2\r\n{good}\r\n"),
                (200, f"\r\n\r\nGET / HTTP/1.1\r\n{good}\r\n"), (200, "GET / HTTP/1.0\r\n\r\n"),
                (200, f"POST / HTTP/1.1\r\n{good}Content-Length: 0005\r\n\r\nhello")]:
            with self.subTest(text[:120]):
                meaning = reference.read_stream(text.encode())[0]
                statuses = {200} if isinstance(meaning, reference.Request) else meaning.statuses
                self.assertIn(status, statuses)


if __name__ == "__main__":
    unittest.main()

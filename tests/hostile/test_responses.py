import os
import random
import re
import shutil
import tempfile
import unittest

import odd_responses
from judge import Wrong
from reference_response import BadGateway, read_response
from world import OK, World, read_replies, read_to_end

LONG = os.environ.get("HOSTILE") == "long"
BASES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z w\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
    b"HTTP/1.0 404 Not\r\nConnection: keep-alive\r\nContent-Length: 03\r\n\r\nabc",
    b"HTTP/1.1 103 Hi\r\nLink: x\r\n\r\nHTTP/1.1 302 \r\nSet-Cookie: a=b\r\nLocation: /\r\n\r\nrest",
    b"HTTP/1.1 204 No\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304\r\nETag: x\r\nContent-Length: 9\r\n\r\n",
]
TELLING = b"\0\t\n\x0b\r !\"(),0/:;=@\\\x7f\x80\xff"
# What Keepsake may add or write anew.
OWN = {b"vary", b"connection", b"content-length", b"transfer-encoding", b"date", b"cache-control"}


def fields_of(reply):
    fields = [re.split(rb":[ \t]*", line, maxsplit=1) for line in reply.head.split(b"\r\n")[1:]]
    return [(name, value.rstrip(b" \t")) for name, value in fields if name.lower() not in OWN]


def compare_cut(wanted, reply, reset):
    """Whether `reply` shows that `wanted` lost its end (RFC 9112 section 8). A reset follows a body only if the close
    delimits it: a short length and a missing last chunk show the loss themselves."""
    if reply.status == 502 and reply.whole and not reset:
        return  # nothing was sent yet
    if reply.whole:
        raise Wrong("a truncated response looks whole")
    framed = reply.values(b"content-length") + reply.values(b"transfer-encoding")
    if reset and framed:
        raise Wrong("a reset after a body with framing")
    if reply.status != wanted.status:
        raise Wrong(f"expected {wanted.status}")
    if wanted.length >= 0 and (int(framed[0]), reply.body) != (wanted.length, wanted.body):
        raise Wrong(f"expected {wanted.body!r} of {wanted.length} bytes")


def compare(wanted, got, reset, method, minor):
    """Whether the client may get `got` for a backend that means `wanted`."""
    replies, interim = read_replies(got, [method], not reset)
    if isinstance(wanted, BadGateway):
        if len(replies) != 1 or replies[0].status != 502 or not replies[0].whole:
            raise Wrong("expected 502")
        return
    if [reply.status for reply in interim] != (wanted.interim if minor == 1 else []):
        raise Wrong("the interim responses")
    if len(replies) != 1:
        raise Wrong(f"{len(replies)} responses")
    reply = replies[0]
    if not wanted.whole:
        compare_cut(wanted, reply, reset)
        return
    if reset or not reply.whole:
        raise Wrong("a whole response was cut")
    if (reply.status, reply.body) != (wanted.status, wanted.body):
        raise Wrong(f"expected {wanted.status}")
    if fields_of(reply) != [field for field in wanted.fields if field[0].lower() not in OWN]:
        raise Wrong(f"expected the lines {wanted.fields}")


class Responses(unittest.TestCase):
    """A malformed response is 502, a truncated one is seen to be so, and what is behind one reaches nobody."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="keepsake-hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.world = World(cls.folder)
        cls.addClassCleanup(cls.world.close)
        cls.world.backend.answer = cls.answer
        cls.odd, cls.close = b"", True

    @classmethod
    def answer(cls, seen):
        if seen.target == b"/odd":
            return cls.odd, cls.close
        body = seen.target
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), False

    def setUp(self):
        self.count = 0

    def tearDown(self):
        self.assertEqual(self.world.backend.broken, [])
        self.assertIsNone(self.world.keepsake.child.poll(), "keepsake ended")
        print(f"     {self.count} responses", flush=True)

    def judge(self, data, method=b"GET", minor=1, close=True):
        self.count += 1
        type(self).odd, type(self).close = data, close
        with self.world.connect() as link:
            link.sendall(method + b" /odd HTTP/1.%d\r\nHost: h\r\nConnection: close\r\n\r\n" % minor)
            got, reset = read_to_end(link)
        wanted = read_response(data, method)
        try:
            compare(wanted, got, reset, method, minor)
        except (Wrong, ValueError) as error:
            self.fail(f"{error}\nbackend: {data[:300]!r} to {method} 1.{minor}, close: {close}\nmeans: {wanted!r:.400}\n"
                      f"client: {got[:400]!r} {'reset' if reset else ''}")
        if self.count % 10 == 0 or not close:
            path = b"/fine%d" % self.count
            got, reset = self.world.send(b"GET %b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % path)
            self.assertTrue(got.startswith(b"HTTP/1.1 200 ") and got.endswith(b"\r\n\r\n" + path) and not reset,
                            f"{got!r} after {data!r}")

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
                for byte in range(256) if LONG else rng.sample(range(256), 4):
                    self.judge(base[:at] + bytes([byte]) + base[at:], rng.choice([b"GET", b"HEAD", b"PUT"]),
                               rng.choice([0, 1]))
                self.judge(base[:at] + base[at + 1:])
                self.judge(base[:at], minor=rng.choice([0, 1]))

    def test_odd_parts_by_chance(self):
        for seed in range(50_000 if LONG else 5_000):
            rng = random.Random(seed)
            data = odd_responses.response(rng)
            self.judge(data, rng.choice([b"GET", b"GET", b"HEAD", b"PUT", b"OPTIONS"]), rng.choice([0, 1, 1]))

    def test_what_follows_a_response_reaches_nobody(self):
        for behind in odd_responses.BEHIND:
            for answer in (OK, b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n",
                           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                           b"HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\n"):
                for method in (b"GET", b"HEAD", b"PUT"):
                    self.judge(answer + behind, method, close=False)


if __name__ == "__main__":
    unittest.main()

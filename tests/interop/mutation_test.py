#!/usr/bin/env python3
"""Thousands of wrong cookies and forms against the running program: a wrong cookie is an anonymous visitor and
stays, a wrong form is a 4xx that says what was expected, and the session stands.
    mutation_test.py [CLASS[.test]...]        KEEPSAKE_SEED=number repeats a run"""

import base64
import json
import os
import pathlib
import random
import socket
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from documents import RawBackend  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
workers: 1
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName}
  MORE
log: {access: false, level: debug}
admin: {address: "127.0.0.1:0"}
"""
FORM = b"application/x-www-form-urlencoded"
COOKIES = 6000  # per format
FORMS = 2500
# What may stand in a Cookie line inside of one value: no semicolon, no control, no edge space.
VALUE_BYTES = [c for c in range(0x21, 0x100) if c not in (0x3B, 0x7F)]


class Wire:
    """One kept connection, raw bytes out and one response in; opened again when it was closed."""

    def __init__(self, port):
        self.port, self.link = port, None

    def ask(self, request):
        for fresh in (self.link is None, True):
            if fresh:
                self.close()
                self.link = socket.create_connection(("127.0.0.1", self.port), timeout=support.PATIENCE)
                self.file = self.link.makefile("rb")
            try:
                self.link.sendall(request)
                answer = self.read()
            except (ConnectionError, BrokenPipeError):
                continue
            if b"connection: close" in answer[1].lower():
                self.close()
            return answer
        raise AssertionError("no answer to " + repr(request))

    def read(self):
        start = self.file.readline()
        if not start:
            raise ConnectionError
        head = b""
        while (line := self.file.readline()) not in (b"\r\n", b""):
            head += line
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        return int(start.split()[1]), head, self.file.read(length)

    def close(self):
        if self.link:
            self.file.close()
            self.link.close()
            self.link = None


def set_cookies(head):
    return [line[12:] for line in head.split(b"\r\n") if line.lower().startswith(b"set-cookie: ")]


class Mutations(support.TestCase):
    def world(self, more=""):
        self.seed = int(os.environ.get("KEEPSAKE_SEED", random.SystemRandom().randrange(10**9)))
        self.chooser = random.Random(self.seed)
        self.app = Names()
        self.addCleanup(self.app.close)
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(self.app.port)).replace("MORE", more))
        self.wire = Wire(self.keepsake.port)
        self.addCleanup(self.wire.close)

    def get(self, cookie):
        return self.wire.ask(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: session=" + cookie + b"\r\n\r\n")

    def post(self, form, cookie=None, kind=FORM):
        return self.wire.ask(b"POST /setName HTTP/1.1\r\nHost: a\r\n" + (b"Cookie: session=" + cookie + b"\r\n" if cookie else b"") +
                             (b"Content-Type: " + kind + b"\r\n" if kind is not None else b"") +
                             b"Content-Length: %d\r\n\r\n" % len(form) + form)

    def arrive(self, name):
        status, head, _ = self.post(b"name=" + name)
        self.assertEqual(status, 303)
        return set_cookies(head)[0].split(b";")[0].partition(b"=")[2]

    def mutate(self, cookie, others):
        pick = self.chooser.randrange
        value = bytearray(cookie)
        kind = pick(14)
        at = pick(len(value))
        if kind == 0:
            value[at] = self.chooser.choice(VALUE_BYTES)
        elif kind == 1:  # one bit of what is encoded
            piece = bytearray(base64.urlsafe_b64decode(bytes(cookie) + b"=" * (-len(cookie) % 4)) if b"." not in cookie else cookie)
            piece[pick(len(piece))] ^= 1 << pick(8)
            value = bytearray(base64.urlsafe_b64encode(bytes(piece)).rstrip(b"="))
        elif kind == 2:
            del value[at:]
        elif kind == 3:
            del value[at:at + 1 + pick(8)]
        elif kind == 4:
            value[at:at] = bytes(self.chooser.choice(VALUE_BYTES) for _ in range(1 + pick(8)))
        elif kind == 5:
            value[at:at + 4] = value[at:at + 4].swapcase()
        elif kind == 6:
            value += self.chooser.choice([b"=", b"==", b".", b"A", b"%3D", b"\xc3\xab", b"A" * 5000])
        elif kind == 7:
            value = bytearray(urllib.parse.quote(bytes(value), safe="")[:-1].encode() + b"%41")
        elif kind == 8:  # the front of one and the back of another
            other = self.chooser.choice(others)
            value = bytearray(cookie[:at] + other[at:])
        elif kind == 9:
            value = bytearray(b'"' + cookie + b'"')
        elif kind == 10:
            value = bytearray(self.chooser.choice(VALUE_BYTES) for _ in range(pick(300)))
        elif kind == 11:
            value = bytearray(base64.urlsafe_b64encode(self.chooser.randbytes(pick(400))).rstrip(b"="))
        elif kind == 12:
            value = value.replace(b"-", b"+").replace(b"_", b"/") if b"-" in value or b"_" in value else value[::-1]
        else:
            value = bytearray(reversed(value)) if pick(2) else value + value
        return bytes(value).strip(b" \t")

    def wrong_cookies(self, more):
        self.world(more)
        good = self.arrive(b"Alice")
        others = [self.arrive(b"Bob"), self.arrive(b"x" * 100)]
        tried = 0
        while tried < COOKIES:
            bad = self.mutate(good, others)
            if bad in (good, *others) or len(bad) > 6000:
                continue
            tried += 1
            status, head, body = self.get(bad)
            if (status, body, set_cookies(head)) != (200, b"nobody", []):
                self.fail(f"seed {self.seed}: {bad!r} of {good!r} gave {status} {set_cookies(head)} {body!r}")
            if tried % 500 == 0:
                self.assertEqual(self.get(good)[2], b"Alice")
        self.assertEqual([self.get(each)[2] for each in (good, *others)], [b"Alice", b"Bob", b"x" * 100])
        metrics = support.request(self.keepsake.admin, "/metrics").body
        rejected = sum(int(line.split()[-1]) for line in metrics.splitlines()
                       if line.startswith("keepsake_cookies_rejected_total{"))
        self.assertGreater(rejected, COOKIES // 2)
        self.nothing_secret(metrics, good)

    def nothing_secret(self, metrics, *cookies):  # S-37
        said = self.keepsake.text + metrics
        for secret in (support.SECRET, "Alice", *(cookie.decode()[10:40] for cookie in cookies)):
            self.assertNotIn(secret, said)

    def test_wrong_sealed_cookies_are_anonymous_and_stay(self):
        self.wrong_cookies("")

    def test_wrong_flask_cookies_are_anonymous_and_stay(self):
        self.wrong_cookies("format: flask")

    def test_wrong_cookies_of_a_store_are_anonymous_and_stay(self):
        self.wrong_cookies("store: memory")

    def test_a_wrong_cookie_beside_a_set_gives_one_cookie(self):
        self.world()
        good = self.arrive(b"Alice")
        for _ in range(300):
            bad = self.mutate(good, [good])
            if bad == good:
                continue
            status, head, _ = self.post(b"name=Carol", bad)
            lines = set_cookies(head)
            self.assertEqual((status, len(lines)), (303, 1), bad)
            self.assertEqual(self.get(lines[0].split(b";")[0].partition(b"=")[2])[2], b"Carol")

    def expected(self, form):
        """What a form is worth, said by Python's own decoder: the status, and the name that is set."""
        pairs = [pair.partition(b"=") for pair in form.split(b"&")]
        name = None
        for key, _, value in pairs:
            decoded = self.decode(key)
            if decoded == b"name":
                name = value
                break
        if name is None:
            return 400, None
        value = self.decode(name)
        if value is None:
            return 400, None
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return 400, None
        if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
            return 400, None
        return (413, None) if len(value) > 256 else (303, value)

    @staticmethod
    def decode(text):
        out, at = bytearray(), 0
        text = text.replace(b"+", b" ")
        while at < len(text):
            if text[at:at + 1] == b"%":
                digits = text[at + 1:at + 3]
                if len(digits) != 2 or any(c not in b"0123456789abcdefABCDEF" for c in digits):
                    return None
                out.append(int(digits, 16))
                at += 3
            else:
                out.append(text[at])
                at += 1
        return bytes(out)

    def test_wrong_forms_say_what_was_expected_and_the_session_stands(self):
        self.world()
        good = self.arrive(b"Alice")
        pieces = [b"name", b"name=", b"=", b"&", b"%", b"%4", b"%zz", b"%00", b"%0d%0a", b"%ff", b"%c3", b"%C3%AB", b"+", b"a", b"Bob",
                  b"n%61me=", b"name=x", b"\xff", b"\x00", b"\r\n", b";", b"%7F", b"%80", b"%ed%a0%80", b"%f4%90%80%80", b"x" * 257,
                  b"other=1", b"\xc3\xab", b"%C0%80", b"[]"]
        seen = {}
        for _ in range(FORMS):
            form = b"".join(self.chooser.choice(pieces) for _ in range(1 + self.chooser.randrange(5)))
            if self.chooser.random() < 0.6:
                form = b"name=" + form
            status, value = self.expected(form)
            got, head, body = self.post(form, good)
            where = f"seed {self.seed}: {form!r} gave {got} {body!r}"
            self.assertEqual(got, status, where)
            seen[status] = seen.get(status, 0) + 1
            if status == 303:
                lines = set_cookies(head)
                self.assertEqual(len(lines), 0 if value == b"Alice" else 1, where)
                if lines and value:
                    new = lines[0].split(b";")[0].partition(b"=")[2]
                    self.assertEqual(self.get(new)[2], value, where)
            else:
                self.assertEqual(set_cookies(head), [], where)
                self.assertGreater(len(json.loads(body)["detail"]), 20, where)
        for status in (303, 400, 413):
            self.assertGreater(seen[status], 15, seen)
        self.assertEqual(self.get(good)[2], b"Alice")
        self.nothing_secret("", good)

    def test_each_refusal_says_what_was_expected(self):
        self.world()
        good = self.arrive(b"Alice")
        for form, kind, status, words in (
                (b"{}", b"application/xml", 415, "application/x-www-form-urlencoded"),
                (b"{}", b"application/json", 400, "\"name\""),
                (b"{\"name\":[]}", b"application/json", 400, "flat JSON object"),
                (b"name=x", None, 415, "application/x-www-form-urlencoded"),
                (b"name=x", b"text/plain", 415, "application/x-www-form-urlencoded"),
                (b"name=x", FORM + b"; charset=latin1", 415, "UTF-8"),
                (b"", FORM, 400, "\"name\""), (b"other=x", FORM, 400, "\"name\""),
                (b"name=%", FORM, 400, "percent-encoded"), (b"name=%ff", FORM, 400, "UTF-8"),
                (b"name=%07", FORM, 400, "control characters"),
                (b"name=" + b"x" * 257, FORM, 413, "256"), (b"name=" + b"x" * 9000, FORM, 413, "8192")):
            with self.subTest(form=form[:20], kind=kind):
                got, head, body = self.post(form, good, kind)
                self.assertEqual((got, set_cookies(head)), (status, []))
                self.assertIn(words, json.loads(body)["detail"])
        got, head, body = self.wire.ask(b"GET /setName HTTP/1.1\r\nHost: a\r\nCookie: session=" + good + b"\r\n\r\n")
        self.assertEqual((got, set_cookies(head)), (405, []))
        self.assertIn(b"Allow: POST", head)
        self.assertEqual(self.get(good)[2], b"Alice")


class Names(RawBackend):
    """Answers with the name that it got, decoded; keeps its connections."""

    def serve(self):
        import threading
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        with link, link.makefile("rb") as lines:
            while True:
                name = b"nobody"
                while (line := lines.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"x-session-name:"):
                        name = urllib.parse.unquote_to_bytes(line.partition(b":")[2].strip())
                if line == b"":
                    return
                try:
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(name) + name)
                except OSError:
                    return


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"mutation_test.{name}" for name in sys.argv[1:]] or ["mutation_test"]
    runner.main()

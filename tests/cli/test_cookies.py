import base64
import hashlib
import hmac
import re
import time
import unittest

from support import ROOT, SECRET, TestCase, plain, set_name, until

VECTORS = (ROOT / "tests/session/vectors/sealed.txt").read_text()
FIRST = "first-secret-for-tests-0123456789abcdef"
TEN_YEARS = "idle_timeout: 3649d, absolute_timeout: 3649d"


def vector(case):
    return re.search(rf"case: {case}\n(?:.+\n)*?cookie: (\S+)", VECTORS)[1]


class Keygen(TestCase):
    def test_it_makes_256_bits_that_are_new_every_time(self):
        keys = {self.cli("keygen").stdout for _ in range(5)}
        self.assertEqual(len(keys), 5)
        for key in keys:
            self.assertRegex(key, r"\A[A-Za-z0-9_-]{43}\n\Z")
            self.assertEqual(len(base64.urlsafe_b64decode(key.strip() + "=")), 32)

    def test_what_it_makes_is_a_good_secret_from_a_variable_and_from_a_file(self):
        key = self.cli("keygen").stdout
        file = self.write(plain())
        self.assertEqual(self.cli("check", "--config", file, SESSION_KEY=key.strip()).returncode, 0)
        file = self.write(plain().replace("{env: SESSION_KEY}", f"{{file: {self.write(key, 'key')}}}"))
        self.assertEqual(self.cli("check", "--config", file, SESSION_KEY=None).returncode, 0)


class Inspect(TestCase):
    def inspect(self, cookie, session="", secret=FIRST, **options):
        file = self.write(plain().replace("session: {", "session: {" + session + (", " if session else "")))
        return self.cli("inspect", "--config", file, *options.pop("arguments", []), cookie, SESSION_KEY=secret, **options)

    def refused(self, cookie, word, reason, **options):
        done = self.inspect(cookie, **options)
        self.assertRegex(done.stderr, rf"keepsake: not a valid session: {word}: {reason}")
        self.assertEqual(done.returncode, 1)
        return done

    def test_a_valid_cookie_shows_all_that_it_holds(self):
        done = self.inspect(vector("any language"), TEN_YEARS)
        self.assertEqual((done.returncode, done.stderr), (0, warnings(done.stderr)))
        self.assertRegex(done.stdout, r"(?m)^format +sealed$")
        self.assertRegex(done.stdout, r"(?m)^key +d0b649af from env SESSION_KEY$")
        self.assertRegex(done.stdout, r"(?m)^id +a0a1a2a3a4a5a6a7a8a9aaabacadaeaf$")
        self.assertRegex(done.stdout, r"(?m)^created +2023-11-14T22:13:20Z \(\d+ d.* ago\)$")
        self.assertRegex(done.stdout, r"(?m)^touched +2023-11-14T22:14:20Z ")
        self.assertRegex(done.stdout, r"(?m)^expires +2033-11-10T22:13:20Z$")
        self.assertRegex(done.stdout, r"(?m)^remaining +\d+ d")
        self.assertRegex(done.stdout, r'(?m)^values +1\n  "myName" = "Zoë 🎉"$')
        self.assertNotIn(FIRST, done.stdout)

    def test_it_is_found_in_whatever_is_pasted(self):
        value = vector("one name")
        for text in [value, f"session={value}", f"Cookie: a=b; session={value}; c=d",
                     f"Set-Cookie: session={value}; Path=/; HttpOnly", f"  {value}\n"]:
            with self.subTest(text=text):
                self.assertIn('"myName" = "Alice"', self.inspect(text, TEN_YEARS).stdout)
                self.assertIn('"myName" = "Alice"', self.inspect("-", TEN_YEARS, stdin=text).stdout)

    def test_a_text_without_that_cookie(self):
        done = self.inspect("a=b; c=d")
        self.assertEqual((done.returncode, "no cookie called session" in done.stderr), (1, True), done.stderr)

    def test_several_of_the_same_name_are_all_looked_at(self):
        done = self.inspect(f"session=garbage; session={vector('one name')}", TEN_YEARS)
        self.assertRegex(done.stdout, r'cookie 1 of 2\n\ncookie 2 of 2\n[^$]*"Alice"')
        self.assertRegex(done.stderr, "malformed")
        self.assertEqual(done.returncode, 1)

    def test_an_expired_cookie_says_by_how_much(self):
        done = self.refused(vector("one name"), "absolute_expired", r"created \d+ d.* ago, and session\.absolute_timeout is 31d")
        self.assertRegex(done.stdout, r"(?m)^remaining +nothing$")
        self.refused(vector("one name"), "idle_expired", r"unused for \d+ d.*, and session\.idle_timeout is 1d",
                     session="absolute_timeout: 3649d")

    def test_a_session_from_before_not_before_says_the_date(self):
        self.refused(vector("one name"), "before_not_before", r"created before session\.not_before, 2024-01-01T00:00:00Z",
                     session=TEN_YEARS + ", not_before: 2024-01-01")
        self.assertEqual(self.inspect(vector("one name"), TEN_YEARS + ", not_before: 2023-11-14T22:13:20Z").returncode, 0)

    def test_a_session_of_the_proxy_is_valid_until_it_has_idled(self):
        session = "session: {idle_timeout: 1s, touch_interval: 0s, "
        text = plain(backend=self.backend().port).replace("session: {", session)
        keepsake = self.start(text)
        cookie = set_name(keepsake.port, "Ann")
        until("the session is over", lambda: "idle_expired: unused for" in
              self.cli("inspect", "--config", keepsake.file, cookie).stderr)

    def test_a_foreign_cookie_names_its_key_and_ours(self):
        self.refused(vector("one name"), "unknown_key",
                     r"it was sealed with key d0b649af, which is not configured here \([0-9a-f]{8} from env SESSION_KEY\)",
                     secret=SECRET)

    def test_a_changed_cookie_does_not_authenticate(self):
        value = vector("one name")
        changed = value[:60] + ("A" if value[60] != "A" else "B") + value[61:]
        self.refused(changed, "forged", "it was sealed with a key that is configured here, but does not authenticate")

    def test_a_cookie_of_another_name_does_not_authenticate(self):
        self.refused(vector("one name"), "forged", r".*of another name than login", session="cookie: {name: login}")

    def test_garbage_says_what_is_odd_about_it(self):
        value = vector("one name")
        for cookie, reason in {
            value[:-1]: "it is not the canonical base64url of any bytes: cut off",
            value[:len(value) // 4 * 4 - 4]: r"no sealed cookie has \d+ bytes: cut off",
            value[:20] + "*" + value[20:]: r"character 21 is none of base64url",
            "Ag" + value[2:]: "its first byte is 0x02",
            "A" * 4097: "it has 4097 bytes",
            "eyJhIjoxfQ.ZUqIYQ.eDVGKwN1DTVnGGpYUNnUzqHNnV0": "this looks like a Flask cookie",
            "": "it is empty",
        }.items():
            with self.subTest(cookie=cookie):
                self.refused(cookie, "malformed", reason)

    def test_values_cannot_command_the_terminal(self):
        keepsake = self.start(plain(backend=self.backend().port))
        cookie = set_name(keepsake.port, "%C2%9B31m%22%5C")
        done = self.cli("inspect", "--config", keepsake.file, cookie)
        self.assertIn(r'"myName" = "\xc2\x9b31m\"\\"', done.stdout)

    def test_a_cookie_bound_to_a_host_is_opened_for_that_host_only(self):
        text = plain(backend=self.backend().port).replace("session: {", "session: {cookie: {bind_host: true}, ")
        keepsake = self.start(text)
        cookie = set_name(keepsake.port, "Ann")
        inspect = ["inspect", "--config", keepsake.file, cookie]
        self.assertIn('"myName" = "Ann"', self.cli(*inspect, "--host", "127.0.0.1").stdout)
        self.fails(1, "forged: .* or for another host", *inspect, "--host", "localhost")
        self.fails(2, "bind_host is true: say with --host HOST", *inspect)
        done = self.inspect(vector("one name"), arguments=["--host", "localhost"])
        self.assertEqual((done.returncode, "bind_host is false" in done.stderr), (2, True), done.stderr)

    def test_a_cookie_of_a_former_name_is_opened_and_told(self):
        keepsake = self.start(plain(backend=self.backend().port).replace("session: {", "session: {cookie: {name: old}, "))
        cookie = set_name(keepsake.port, "Ann")
        file = self.write(plain().replace("session: {", "session: {cookie: {previous: [{name: old}]}, "), "new.yaml")
        for text in (cookie, cookie.split("=", 1)[1]):
            done = self.cli("inspect", "--config", file, text)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"(?m)^name +old \(a former one: the next response sets session\)$")
            self.assertIn('"myName" = "Ann"', done.stdout)

    def test_a_cookie_that_only_names_a_session_in_a_store_says_so(self):
        keepsake = self.start(plain(backend=self.backend().port).replace("session: {", "session: {store: memory, "))
        done = self.cli("inspect", "--config", keepsake.file, set_name(keepsake.port, "Ann"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^values +in the store")
        self.assertRegex(done.stdout, r"(?m)^remaining +3[01] d")
        self.assertNotIn("Ann", done.stdout)

    def test_a_cookie_under_an_older_key_says_so(self):
        old = self.write(FIRST, "old")
        text = plain().replace("{secrets: [", f"{{{TEN_YEARS}, secrets: [").replace("]}\nlog", f", {{file: {old}}}]}}\nlog")
        done = self.cli("inspect", "--config", self.write(text), vector("one name"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^key +d0b649af from file \S+/old \(an older one: the next response seals it anew\)$")


def warnings(text):
    return "".join(line + "\n" for line in text.splitlines() if line.startswith("warning: "))


class InspectFlask(TestCase):
    """Signed here as itsdangerous does it (URLSafeTimedSerializer, salt cookie-session, HMAC-SHA1)."""

    def setUp(self):
        super().setUp()
        self.file = self.write(plain().replace("session: {", "session: {format: flask, "))
        if "not available in this version" in self.cli("check", "--config", self.file).stderr:
            self.skipTest("format: flask is not available in this version")

    def cookie(self, payload, secret=SECRET, age=0):
        def encode(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        text = encode(payload) + b"." + encode((int(time.time()) - age).to_bytes(4, "big"))
        key = hmac.new(secret.encode(), b"cookie-session", hashlib.sha1).digest()
        return (text + b"." + encode(hmac.new(key, text, hashlib.sha1).digest())).decode()

    def test_a_valid_cookie_shows_its_values(self):
        done = self.cli("inspect", "--config", self.file, self.cookie(b'{"myName":"Ann","n":3}'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^format +flask$")
        self.assertRegex(done.stdout, r"(?m)^id +none")
        self.assertRegex(done.stdout, r'(?m)^values +2\n  "myName" = "Ann"\n  "n" = "3"$')

    def test_another_secret_and_an_old_stamp_are_refused(self):
        for cookie, word in {self.cookie(b"{}", FIRST): "unknown_key: no configured secret made its signature",
                             self.cookie(b"{}", age=-1000): "from_future: it is stamped 16 min .* ahead of this machine's clock, and 30 s are",
                             self.cookie(b"[]"): "malformed: it is not a Flask session",
                             self.cookie(b"{}", age=90_000): "idle_expired: unused for 1 d 1 h",
                             "a.b": "malformed: a Flask cookie is payload.stamp.signature"}.items():
            with self.subTest(word=word):
                self.fails(1, word, "inspect", "--config", self.file, cookie)


if __name__ == "__main__":
    unittest.main()

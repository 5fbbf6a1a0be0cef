#!/usr/bin/env python3
"""Keepsake's flask codec against the real Flask, each reading what the other wrote.

usage: flask_interop.py PATH/TO/flask_cookie       (exit 77: Flask is not installed)
"""

import base64
import datetime
import json
import pathlib
import random
import subprocess
import sys
import time
import unittest
import uuid

try:
    import flask
    from flask import session
    from itsdangerous import BadSignature
    from markupsafe import Markup
except ImportError:
    print("Flask is not installed (Debian: python3-flask): skipped")
    sys.exit(77)

HELPER = None
SECRET = "a-secret-that-flask-and-keepsake-share-0123456789"


def word(text):
    return "=" + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def text_of(encoded):
    return base64.urlsafe_b64decode(encoded[1:] + "=" * (-len(encoded[1:]) % 4)).decode()


class Keepsake:
    """The helper process: a proxy's codec with these secrets."""

    def __init__(self, *secrets):
        self.process = subprocess.Popen([HELPER, *secrets], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def open(self, cookie):
        """(stamp, key index, values) or the reason why not."""
        answer = self.ask(f"open {cookie}").split(" ")
        if answer[0] != "ok":
            return answer[0]
        texts = [text_of(each) for each in answer[3:]]
        return int(answer[1]), int(answer[2]), dict(zip(texts[::2], texts[1::2]))

    def edit(self, cookie, stamp, changes):
        pairs = [f"{word(key)} {'-' if value is None else word(value)}" for key, value in changes.items()]
        return self.ask(" ".join(["edit", cookie or "-", str(stamp), *pairs]))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def make_app(secret=SECRET):
    app = flask.Flask(__name__)
    app.secret_key = secret

    @app.route("/get")
    def get():
        return flask.jsonify(dict(session))

    @app.route("/set/<key>/<value>")
    def put(key, value):
        session[key] = value
        return "set"

    @app.route("/rich")
    def rich():
        session.permanent = True
        session["count"] = 3
        session["cart"] = [{"id": 7, "price": 1.5}, None]
        session["user"] = uuid.UUID(int=42)
        session["since"] = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
        session["pair"] = (1, "ä")
        session["html"] = Markup("<b>")
        session["raw"] = b"\x00\xff"
        return "rich"

    @app.route("/types")
    def types():
        return flask.jsonify({key: type(value).__name__ for key, value in session.items()})

    return app


class Interop(unittest.TestCase):
    def setUp(self):
        self.keepsake = Keepsake(SECRET)
        self.app = make_app()
        self.addCleanup(self.keepsake.close)

    # Flask's own way from a session to a cookie stamped `stamp`, and back.
    def dumps(self, value, stamp, app=None):
        app = app or self.app
        with app.app_context():
            serializer = app.session_interface.get_signing_serializer(app)
            signer = serializer.make_signer(serializer.salt)
            signer.get_timestamp = lambda: stamp
            payload = serializer.dump_payload(value)
            return signer.sign(payload).decode()

    def loads(self, cookie):
        with self.app.app_context():
            return self.app.session_interface.get_signing_serializer(self.app).loads(cookie, max_age=2678400)

    def browser(self, cookie):
        """Runs one request after another with this cookie; returns (body, new cookie or None)."""

        def get(path, value):
            headers = {"Cookie": f"session={value}"} if value else {}
            response = self.app.test_client(use_cookies=False).get(path, headers=headers)
            new = response.headers.get("Set-Cookie")
            return response, new.split(";")[0].split("=", 1)[1] if new else None

        return get

    def test_an_application_reads_what_keepsake_wrote(self):
        get = self.browser(None)
        for name in ["Alice", "Zoë 🎉", "A" * 200, '"\\\n\x7f/', " ", "0"]:
            cookie = self.keepsake.edit(None, int(time.time()), {"myName": name})
            response, _ = get("/get", cookie)
            self.assertEqual(response.json, {"myName": name})

    def test_keepsake_reads_what_an_application_wrote(self):
        get = self.browser(None)
        for name in ["Alice", "Zoë 🎉", "A" * 200]:
            _, cookie = get(f"/set/myName/{name}", None)
            stamp, key, values = self.keepsake.open(cookie)
            self.assertEqual(values, {"myName": name})
            self.assertEqual(key, 0)
            self.assertLess(abs(stamp - time.time()), 60)

    def test_a_name_set_by_the_proxy_keeps_the_application_s_types(self):
        get = self.browser(None)
        _, cookie = get("/rich", None)
        cookie = self.keepsake.edit(cookie, int(time.time()), {"myName": "Alice"})
        response, _ = get("/types", cookie)
        self.assertEqual(
            response.json,
            {"_permanent": "bool", "count": "int", "cart": "list", "user": "UUID", "since": "datetime",
             "pair": "tuple", "html": "Markup", "raw": "bytes", "myName": "str"})
        response, again = get("/set/other/x", cookie)
        self.assertEqual(self.keepsake.open(again)[2]["myName"], "Alice")
        self.assertEqual(self.keepsake.open(again)[2]["user"], uuid.UUID(int=42).hex)

    def test_an_erased_name_is_gone_for_the_application_and_nothing_else_is(self):
        cookie = self.dumps({"a": 1, "myName": "Alice", "z": None}, int(time.time()))
        self.assertEqual(self.loads(self.keepsake.edit(cookie, int(time.time()), {"myName": None})), {"a": 1, "z": None})

    def test_random_sessions_survive_a_touch_byte_for_byte(self):
        chooser = random.Random(20231114)
        for _ in range(1500):
            value = self.random_dict(chooser, 0)
            stamp = chooser.choice([1, 255, 256, 1700000000, 2**31, 2**32 + 5, 2**40 - 1])
            cookie = self.dumps(value, stamp)
            if len(cookie) > 4096:
                continue
            opened = self.keepsake.open(cookie)
            self.assertEqual(opened[0], stamp, value)
            self.assertEqual(self.keepsake.edit(cookie, stamp, {}), cookie, value)

    def test_random_changes_give_the_cookie_flask_gives(self):
        chooser = random.Random(42)
        stamp = 1700000000
        for _ in range(1500):
            value = self.random_dict(chooser, 0)
            cookie = self.dumps(value, stamp)
            if len(cookie) > 4096:
                continue
            seen = self.keepsake.open(cookie)[2]
            changes = {}
            for _ in range(chooser.randrange(1, 4)):
                key = self.random_text(chooser)
                if chooser.random() < 0.3 and seen:
                    key = chooser.choice(list(seen))
                    changes[key] = None
                else:
                    changes[key] = self.random_text(chooser)
            for key, text in changes.items():
                if text is None:
                    value.pop(key, None)
                elif seen.get(key) != text:  # the text that is there already: nothing is set
                    value[key] = text
            self.assertEqual(self.keepsake.edit(cookie, stamp, changes), self.dumps(value, stamp), value)

    def test_both_end_a_session_by_the_same_signature_rules(self):
        cookie = self.dumps({"name": "Alice"}, int(time.time()))
        for position in range(len(cookie)):
            changed = cookie[:position] + ("A" if cookie[position] != "A" else "B") + cookie[position + 1:]
            self.assertIsInstance(self.keepsake.open(changed), str, changed)
            if position < len(cookie) - 1:  # the last character has unused bits that Flask ignores
                with self.assertRaises(BadSignature):
                    self.loads(changed)

    def test_fallback_secrets(self):
        old = make_app("the-old-secret-0123456789-0123456789")
        cookie = self.dumps({"name": "Alice"}, int(time.time()), old)
        self.assertEqual(self.keepsake.open(cookie), "unknown_key")
        both = Keepsake(SECRET, "the-old-secret-0123456789-0123456789")
        self.addCleanup(both.close)
        self.assertEqual(both.open(cookie)[1:], (1, {"name": "Alice"}))
        self.assertEqual(self.loads(both.edit(cookie, int(time.time()), {})), {"name": "Alice"})

    def test_what_python_calls_json_is_what_keepsake_calls_json(self):
        """Texts near the edge of the grammar: both take or both refuse."""
        pieces = ["{", "}", "[", "]", ":", ",", '"a"', '"b"', "1", "-0", "1.5e3", "01", "1.", "NaN", "-Infinity", "null",
                  "true", " ", "\n", '"\\u12ab"', '"\\x"', '"\t"', "Infinity", "-", '"', "\\"]
        chooser = random.Random(7)
        agreed = {True: 0, False: 0}
        with self.app.app_context():
            serializer = self.app.session_interface.get_signing_serializer(self.app)
            signer = serializer.make_signer(serializer.salt)
            for _ in range(4000):
                text = "{" + "".join(chooser.choice(pieces) for _ in range(chooser.randrange(7))) + "}"
                if chooser.random() < 0.5:
                    text = '{"a":' + "".join(chooser.choice(pieces) for _ in range(chooser.randrange(1, 4))) + "}"
                try:
                    good = isinstance(json.loads(text), dict)
                except ValueError:
                    good = False
                cookie = signer.sign(base64.urlsafe_b64encode(text.encode()).rstrip(b"=")).decode()
                self.assertEqual(not isinstance(self.keepsake.open(cookie), str), good, text)
                agreed[good] += 1
        self.assertGreater(agreed[True], 200)
        self.assertGreater(agreed[False], 200)

    def random_text(self, chooser):
        alphabet = ["a", "b", "Z", "0", " ", "_", '"', "\\", "/", "\n", "\x00", "\x7f", "é", "ß", "漢", "\uffff", "🎉", "%"]
        size = chooser.choice([0, 1, 1, 2, 3, 5, 40])
        return chooser.choice(["", " t", " d", " di", "a__"]) if chooser.random() < 0.1 else \
            "".join(chooser.choice(alphabet) for _ in range(size))

    def random_value(self, chooser, depth):
        kinds = 15 if depth < 3 else 11
        kind = chooser.randrange(kinds)
        return [
            lambda: self.random_text(chooser),
            lambda: self.random_text(chooser) + "\ud83c",
            lambda: None,
            lambda: chooser.random() < 0.5,
            lambda: chooser.randrange(-5, 5),
            lambda: chooser.getrandbits(200),
            lambda: chooser.choice([0.1, 1e300, -2.5, float("nan"), float("inf"), -float("inf"), 1e16, 5e-324]),
            lambda: chooser.randbytes(chooser.randrange(6)),
            lambda: uuid.UUID(int=chooser.getrandbits(128)),
            lambda: datetime.datetime.fromtimestamp(chooser.randrange(2**31), datetime.timezone.utc),
            lambda: Markup(self.random_text(chooser)),
            lambda: [self.random_value(chooser, depth + 1) for _ in range(chooser.randrange(4))],
            lambda: tuple(self.random_value(chooser, depth + 1) for _ in range(chooser.randrange(4))),
            lambda: self.random_dict(chooser, depth + 1),
            lambda: {chooser.choice([" di", " t", " b", " m", " u", " d"]): self.random_value(chooser, depth + 1)},
        ][kind]()

    def random_dict(self, chooser, depth):
        return {self.random_text(chooser): self.random_value(chooser, depth) for _ in range(chooser.randrange(6))}


if __name__ == "__main__":
    HELPER = sys.argv.pop(1)
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
    import runner
    sys.argv[1:] = ["__main__"]
    runner.main()

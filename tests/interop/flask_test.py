#!/usr/bin/env python3
"""A real Flask application with the same key, behind Keepsake and beside it: each reads what the other wrote.
    flask_test.py [CLASS[.test]...]"""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from support import SECRET, until  # noqa: E402

APP = '''
import datetime, sys, uuid
import flask
from flask import session
from markupsafe import Markup
from werkzeug.serving import WSGIRequestHandler, make_server

app = flask.Flask("app")
app.config["SECRET_KEY"] = sys.argv[1]
if len(sys.argv) > 2:
    app.config["SECRET_KEY_FALLBACKS"] = sys.argv[2:]  # Flask 3.1

@app.route("/")
def show():
    return flask.jsonify(header=flask.request.headers.get("X-Session-Name"), cookie=flask.request.headers.get("Cookie"),
                         session={k: [type(v).__name__, str(v)] for k, v in session.items()})

@app.route("/login", methods=["POST"])
def login():
    session.permanent = "permanent" in flask.request.args
    session["myName"] = flask.request.form["name"]
    return "in"

@app.route("/rich", methods=["POST"])
def rich():
    session.update(count=3, price=1.5, big=2**70, ok=True, none=None, cart=[{"id": 7}, [1, "x"]], pair=(1, "ä"),
                   user=uuid.UUID(int=42), since=datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
                   html=Markup("<b>"), raw=b"\\x00\\xff", myName="Zoë 🎉")
    return "rich"

@app.route("/forget", methods=["POST"])
def forget():
    session.pop("myName", None)
    return "forgotten"

class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    def log(self, *_):
        pass

server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
print("flask", __import__("importlib.metadata").metadata.version("flask"), server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
'''
CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /setColor, set: {color: color}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/*", backend: app}
session:
  format: flask
  secrets: [SECRETS]
  headers: {X-Session-Name: myName, X-Session-Count: count}
log: {access: false}
"""
OTHER = "an-older-secret-0123456789-0123456789"
RICH = {"count": ["int", "3"], "price": ["float", "1.5"], "big": ["int", str(2**70)], "ok": ["bool", "True"],
        "none": ["NoneType", "None"], "cart": ["list", "[{'id': 7}, [1, 'x']]"], "pair": ["tuple", "(1, 'ä')"],
        "user": ["UUID", "00000000-0000-0000-0000-00000000002a"], "since": ["datetime", "2024-01-02 03:04:05+00:00"],
        "html": ["Markup", "<b>"], "raw": ["bytes", r"b'\x00\xff'"]}


def has_flask(python):
    return subprocess.run([python, "-c", "import flask"], capture_output=True).returncode == 0


# Debian's Flask is a 2; a newer one beside it is tested too.
PYTHONS = [python for python in dict.fromkeys(["/usr/bin/python3", sys.executable])
           if pathlib.Path(python).exists() and has_flask(python)]


class App(support.Running):
    def __init__(self, python, file, *keys):
        super().__init__([python, "-B", file, *keys])
        said = self.said(r"flask (\S+) (\d+)\n")
        self.version, self.port = tuple(int(part) for part in said[1].split(".")[:2]), int(said[2])


class Browser:
    """One jar for both doors: cookies ignore ports."""

    def __init__(self):
        self.cookie, self.lines = None, []

    def ask(self, port, path, method="GET", **fields):
        headers = {"Cookie": f"session={self.cookie}"} if self.cookie else {}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = support.request(port, path, method, urllib.parse.urlencode(fields) if method == "POST" else None, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.lines.append(line)
            value = re.match(r"session=([^;]*)", line)[1]
            self.cookie = None if not value or "Max-Age=0" in line else value
        return answer

    def show(self, port):
        answer = self.ask(port, "/")
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)


class Shared(support.TestCase):
    def each(self):
        for python in PYTHONS:
            with self.subTest(python=python):
                yield python

    def app(self, python, *keys):
        app = App(python, self.write(APP, "app.py"), *keys)
        self.addCleanup(app.kill)
        return app

    def pair(self, python, secrets="{env: SESSION_KEY}", keys=(SECRET,), **variables):
        app = self.app(python, *keys)
        return app, self.start(CONFIG.replace("BACKEND", str(app.port)).replace("SECRETS", secrets), **variables)

    def test_the_application_beside_reads_what_keepsake_wrote(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            for name in ("Alice", "Zoë 🎉", " a  b ", '"\\/&<', "x" * 256):
                browser = Browser()
                self.assertEqual(browser.ask(keepsake.port, "/setName", "POST", name=name).status, 303)
                self.assertEqual(browser.show(app.port)["session"], {"myName": ["str", name]})

    def test_keepsake_reads_what_the_application_beside_wrote(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            for path in ("/login", "/login?permanent"):
                for name in ("Alice", "Zoë 🎉", " a  b ", "x" * 256):
                    browser = Browser()
                    browser.ask(app.port, path, "POST", name=name)
                    behind = browser.show(keepsake.port)
                    self.assertEqual(urllib.parse.unquote(behind["header"]), name)
                    self.assertEqual((behind["cookie"], behind["session"]), (None, {}))  # behind it sees headers only

    def test_values_that_are_not_text_survive_what_keepsake_does(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            browser = Browser()
            browser.ask(app.port, "/rich", "POST")
            self.assertEqual(browser.show(app.port)["session"], {**RICH, "myName": ["str", "Zoë 🎉"]})
            self.assertEqual(urllib.parse.unquote(browser.show(keepsake.port)["header"]), "Zoë 🎉")
            before = browser.cookie
            browser.ask(keepsake.port, "/setName", "POST", name="Bob")
            browser.ask(keepsake.port, "/setColor", "POST", color="red")
            self.assertNotEqual(browser.cookie, before)
            self.assertEqual(browser.show(app.port)["session"], {**RICH, "myName": ["str", "Bob"], "color": ["str", "red"]})
            browser.ask(keepsake.port, "/setColor", "POST", color="")
            browser.ask(app.port, "/forget", "POST")
            self.assertIsNone(browser.show(keepsake.port)["header"])
            self.assertEqual(browser.show(app.port)["session"], RICH)

    def test_a_reset_is_a_reset_for_both(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            browser = Browser()
            browser.ask(app.port, "/rich", "POST")
            self.assertEqual(browser.ask(keepsake.port, "/reset", "POST").status, 303)
            self.assertIsNone(browser.cookie)
            self.assertEqual(browser.show(app.port)["session"], {})
            self.assertIsNone(browser.show(keepsake.port)["header"])

    def test_a_permanent_session_stays_permanent(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            browser = Browser()
            browser.ask(app.port, "/login?permanent", "POST", name="Alice")
            browser.ask(keepsake.port, "/setName", "POST", name="Bob")
            lines = len(browser.lines)
            shown = browser.show(app.port)
            self.assertEqual(shown["session"], {"_permanent": ["bool", "True"], "myName": ["str", "Bob"]})
            self.assertIn("Expires=", browser.lines[lines])  # refreshed by Flask, as it does with permanent ones

    def test_a_cookie_of_another_application_is_worth_nothing_to_either(self):
        for python in self.each():
            app, keepsake = self.pair(python)
            stranger = self.app(python, OTHER)
            browser = Browser()
            browser.ask(stranger.port, "/login", "POST", name="Mallory")
            foreign = browser.cookie
            self.assertEqual(browser.show(app.port)["session"], {})
            browser.cookie = foreign
            self.assertIsNone(browser.show(keepsake.port)["header"])
            self.assertEqual(browser.cookie, foreign)  # it is not Keepsake's to clear

    def test_an_older_key_is_a_fallback_for_both(self):
        for python in self.each():
            (self.folder / "old").write_text(OTHER)
            old = self.app(python, OTHER)
            app, keepsake = self.pair(python, f"{{env: SESSION_KEY}}, {{file: {self.folder}/old}}", (SECRET, OTHER))
            browser = Browser()
            browser.ask(old.port, "/login", "POST", name="Alice")
            before = browser.cookie
            if app.version >= (3, 1):
                self.assertEqual(browser.show(app.port)["session"]["myName"], ["str", "Alice"])
            browser.cookie = before
            self.assertEqual(browser.show(keepsake.port)["header"], "Alice")
            self.assertNotEqual(browser.cookie, before)  # sealed anew with the first
            self.assertEqual(browser.show(old.port)["session"], {})
            self.assertEqual(browser.show(app.port)["session"]["myName"], ["str", "Alice"])

    def test_the_stamp_of_either_is_the_stamp_of_both(self):
        for python in self.each():
            app = self.app(python, SECRET)
            text = CONFIG.replace("BACKEND", str(app.port)).replace("SECRETS", "{env: SESSION_KEY}")
            keepsake = self.start(text.replace("  format:", "  idle_timeout: 2s\n  touch_interval: 1s\n  format:"))
            browser = Browser()
            browser.ask(app.port, "/login", "POST", name="Alice")
            first = browser.cookie
            until("the touch", lambda: browser.show(keepsake.port)["header"] == "Alice" and browser.cookie != first)
            self.assertEqual(browser.show(app.port)["session"]["myName"], ["str", "Alice"])

            def over():
                lone = Browser()
                lone.cookie = first
                return lone.show(keepsake.port)["header"] is None
            began = time.monotonic()
            until("the first stamp is too old", over)
            self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    if not PYTHONS:
        print("Flask is not installed (Debian: python3-flask)")
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"flask_test.{name}" for name in sys.argv[1:]] or ["flask_test"]
    runner.main()

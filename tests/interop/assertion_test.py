#!/usr/bin/env python3
"""The signed assertion, verified by the very functions that the guide prints.
    assertion_test.py [CLASS[.test]...]"""

import hashlib
import hmac
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from documents import RawBackend, fenced  # noqa: E402

ASSERTION_KEY = "k7Qe2vXb9Yt4Lr1Wz8Mn5Pc3Hd6Jf0SgUaIoEyTqRwN"
CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], assertion: {secret: {env: ASSERTION_KEY}}}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName, X-Session-Plain: {key: myName, encoding: raw}, X-Session-Id: {id: true}}
log: {access: false}
"""


class Headers(dict):
    """As frameworks have them: text, whatever the case of the name."""

    def get(self, name, default=None):
        return super().get(name.lower(), default)


def verified_by_python(method, target, headers, secret):
    names = {"re": re, "time": time, "hmac": hmac, "hashlib": hashlib}
    exec(fenced("python")[1], names)
    return names["came_through_keepsake"](method, target, headers, secret)


def verified_by_node(method, target, headers, secret):
    program = "const crypto = require('crypto');\n" + fenced("javascript")[1] + """
const [req, secret] = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(cameThroughKeepsake(req, secret));
"""
    done = subprocess.run(["node", "-e", program], text=True, capture_output=True, timeout=60,
                          input=json.dumps([{"method": method, "url": target, "headers": headers}, secret.decode()]))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() == "true"


class Assertion(support.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = RawBackend()
        self.addCleanup(self.backend.close)
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(self.backend.port)), ASSERTION_KEY=ASSERTION_KEY)

    def received(self, path, method="GET", name=None):
        """(method, target, headers) as the backend's framework sees them."""
        headers = {}
        if name:
            answer = support.request(self.keepsake.port, "/setName", "POST", urllib.parse.urlencode({"name": name}),
                                     {"Content-Type": "application/x-www-form-urlencoded"})
            headers["Cookie"] = answer.cookie()
        self.assertEqual(support.request(self.keepsake.port, path, method, headers=headers).status, 200)
        start = self.backend.heads[-1].split(b"\r\n")[0].decode().split(" ")
        seen = {k: v.decode("latin-1") for k, v in self.backend.headers().items()}
        return start[0], start[1], Headers(seen)

    def hold(self, verified):
        secret = ASSERTION_KEY.encode()
        for path, name in (("/", None), ("/x?a=b&c=%20", "Alice"), ("/", "Zoë 🎉"), ("/static/x", "Alice")):
            with self.subTest(path=path, name=name):
                method, target, headers = self.received(path, "DELETE" if name else "GET", name)
                self.assertTrue(verified(method, target, headers, secret))
                self.assertFalse(verified("PUT", target, headers, secret))
                self.assertFalse(verified(method, target + "x", headers, secret))
                self.assertFalse(verified(method, target, headers, secret[:-1] + b"x"))
                for change in ({"x-session-name": "Mallory"}, {"x-session-id": "0" * 64}, {"x-keepsake-assertion": ""},
                               {"x-keepsake-assertion": headers["x-keepsake-assertion"][:-1] + "g"},
                               {"x-keepsake-assertion": headers["x-keepsake-assertion"].replace("x-session-name,", "")}):
                    self.assertFalse(verified(method, target, Headers({**headers, **change}), secret), change)
        method, target, headers = self.received("/", name="Alice")
        match = re.match(r"v1 t=(\d+) ", headers["x-keepsake-assertion"])
        self.assertLess(abs(time.time() - int(match[1])), 30)
        stale = headers["x-keepsake-assertion"].replace(match[1], str(int(match[1]) - 31))
        self.assertFalse(verified(method, target, Headers({**headers, "x-keepsake-assertion": stale}), secret))
        del headers["x-keepsake-assertion"]
        self.assertFalse(verified(method, target, headers, secret))

    def test_the_python_of_the_guide_verifies_what_arrives(self):
        self.hold(verified_by_python)

    def test_the_javascript_of_the_guide_verifies_what_arrives(self):
        if not shutil.which("node"):
            self.skipTest("node is not installed")
        self.hold(verified_by_node)

    def test_ten_lines_are_enough(self):
        for language in ("python", "javascript"):
            self.assertLessEqual(len(fenced(language)[1].splitlines()), 10)


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"assertion_test.{name}" for name in sys.argv[1:]] or ["assertion_test"]
    runner.main()

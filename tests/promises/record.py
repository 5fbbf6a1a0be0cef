#!/usr/bin/env python3
"""Writes down what a release promises, in a folder called by its version. Done once per release, by that release's
program; what is there is never written again.

    PYTHONPATH=.:../cli:../interop /usr/bin/python3 record.py

`commands.txt` is written by hand. Cookies of 0.1.0 were made with the clock set back (libfaketime), so that no machine's clock is before theirs."""

import json
import subprocess
import sys
import unittest
import urllib.parse

import support
import world
from redis_world import Redis

SEALED = ["headers: {X-Session-Name: myName, X-Session-All: {all: json}, X-Session-Id: {id: true}}"]
FLASK = ["format: flask", "headers: {X-Session-Name: myName, X-Session-All: {all: json}}"]
FIRST, SECOND = "secrets: [{env: FIRST}]", "secrets: [{env: SECOND}]"

# What each session is kept by; what a visitor types; what a backend writes besides.
CASES = {
    "sealed": ([FIRST, *SEALED], "Zoë 🎉", []),
    "sealed by another key": ([SECOND, *SEALED], "Ann", []),
    "sealed, many values": ([FIRST, *SEALED], "Ann", [f"key{i}={'x' * i}" for i in range(31)]),
    "sealed, keys and values of every kind": ([FIRST, *SEALED], "  a+b%20\"c\"  ", ["%E2%82%AC=%F0%9F%98%80", "a%3Db=c%26d"]),
    "sealed under another name": ([FIRST, *SEALED, "cookie: {name: login}"], "Ann", []),
    "sealed for a host": ([FIRST, *SEALED, "cookie: {bind_host: true}"], "Ann", []),
    "flask": ([FIRST, *FLASK], "Zoë 🎉", []),
    "flask by another key": ([SECOND, *FLASK], "Ann", []),
    "flask, compressed": ([FIRST, *FLASK], "n" * 500, ["colour=" + "blue " * 40]),
    "an id for memory": ([FIRST, *SEALED, "store: memory"], "Ann", []),
    "an id for redis": ([FIRST, *SEALED, "store: redis", 'redis: {url: "REDIS"}'], "Zoë 🎉", ["colour=blue"]),
}


class Recorder(support.TestCase):
    def runTest(self):
        version = self.cli("--version").stdout.split()[1]
        folder = world.HERE / version
        folder.mkdir()
        (folder / "configurations").mkdir()
        cookies = [self.session(name, *case) for name, case in CASES.items()] + [self.of_flask()]
        (folder / "cookies.json").write_text(json.dumps(cookies, indent=1, ensure_ascii=False) + "\n")
        files = {**world.configuration_files(), "every-key.yaml": world.every_key()}
        for name, text in files.items():
            (folder / "configurations" / name).write_text(text)
        world.make_certificate(self.folder)
        (self.folder / "page.html").write_text("<p>{status}")
        (self.folder / "key").write_text(world.SECRETS["SECOND"])
        for name in ("config-demo", "every-key"):
            said = world.meaning(self, files[name + ".yaml"])
            (folder / f"meaning-{name}.json").write_text(json.dumps(said, indent=1) + "\n")
        rows = {name: (kind, sorted(labels)) for name, (kind, labels) in world.metrics(self).items()}
        assert all(len(labels) == 1 for _, labels in rows.values()), rows
        (folder / "metrics.txt").write_text("".join(f"{name} {kind} {labels[0]}".rstrip() + "\n"
                                                    for name, (kind, labels) in sorted(rows.items())))
        schema = json.loads((support.ROOT / "config/keepsake.schema.json").read_text())
        [choice] = [each for each in schema["properties"]["log"]["properties"]["fields"]["anyOf"] if each["type"] == "array"]
        words = choice["items"]["anyOf"][0]["enum"]
        fields = {"by default": world.log_fields(self, "null"), "by choice": world.log_fields(self, f"[{', '.join(words)}]")}
        (folder / "log.json").write_text(json.dumps(fields, indent=1) + "\n")

    def session(self, name, session, typed, writes):
        redis = Redis(self.folder / "redis").start() if "store: redis" in session else None
        mirror = world.Mirror()
        self.addCleanup(mirror.close)
        if redis:
            self.addCleanup(redis.kill)
        text = world.serving(session, mirror.port).replace("REDIS", redis.url if redis else "")
        keepsake = self.start(text, **world.SECRETS)
        answer = support.request(keepsake.port, "/setName", "POST", urllib.parse.urlencode({"name": typed}), world.FORM)
        cookie = answer.cookie()
        if writes:
            mirror.writes = writes
            answer = support.request(keepsake.port, "/", headers={"Cookie": cookie})
            cookie = answer.cookie() if answer.headers["Set-Cookie"] else cookie
            mirror.writes = []
        assert support.request(keepsake.port, "/", headers={"Cookie": cookie}).status == 200
        found = {"case": name, "session": session, "cookie": cookie, "headers": mirror.seen}
        found["inspected"] = world.inspected(self, session, cookie)
        if redis:
            [key] = redis.keys()
            found["redis"] = {"key": key, "fields": {name: value.hex() for name, value in redis.hash(key).items()}}
        return found

    def of_flask(self):
        made = subprocess.run([sys.executable, "-c", "from flask import Flask; from flask.sessions import SecureCookieSessionInterface as S;"
                               "import itsdangerous, sys; a = Flask('x'); a.secret_key = sys.argv[1];"
                               "itsdangerous.TimestampSigner.get_timestamp = lambda self: 1735732800\n"
                               "print(S().get_signing_serializer(a).dumps({'myName': 'Zoë', 'cart': [1, {'a': None}], 'n': 1.5}))",
                               world.SECRETS["FIRST"]], capture_output=True, text=True, check=True).stdout.strip()
        mirror = world.Mirror()
        self.addCleanup(mirror.close)
        keepsake = self.start(world.serving([FIRST, *FLASK], mirror.port), **world.SECRETS)
        support.request(keepsake.port, "/", headers={"Cookie": "session=" + made})
        return {"case": "flask, by Flask itself", "session": [FIRST, *FLASK], "cookie": "session=" + made, "headers": mirror.seen,
                "inspected": world.inspected(self, [FIRST, *FLASK], "session=" + made)}


if __name__ == "__main__":
    sys.exit(0 if unittest.TextTestRunner().run(Recorder()).wasSuccessful() else 1)

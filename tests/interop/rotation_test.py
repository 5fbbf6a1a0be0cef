#!/usr/bin/env python3
"""Secrets are exchanged under live visitors: A, then B before A, then B alone, by SIGHUP. Nobody is logged out, and the
metrics say when the old secret may go.
    rotation_test.py [CLASS[.test]...]"""

import contextlib
import http.client
import pathlib
import re
import secrets
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from support import until  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
workers: 4
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session:
  secrets: [SECRETS]
  MORE
log: {access: false}
admin: {address: "127.0.0.1:0"}
"""


class Visitor:
    """One browser with several connections and one cookie jar, always on the move."""

    def __init__(self, port, name, connections=3):
        self.port, self.name, self.lock = port, name, threading.Lock()
        self.jar = support.set_name(port, name)
        self.visits, self.wrong, self.over = 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.walk) for _ in range(connections)]
        for thread in self.threads:
            thread.start()

    def walk(self):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=support.PATIENCE)
        with contextlib.closing(link):
            while not self.over.is_set() and not self.wrong:
                cookie = self.jar
                answer = support.request(self.port, "/", headers={"Cookie": cookie}, connection=link)
                new = answer.headers["Set-Cookie"]
                if answer.status != 200 or answer.body != self.name or "Max-Age=0" in (new or ""):
                    self.wrong.append((answer.status, answer.body, new, cookie))
                with self.lock:
                    if new:
                        self.jar = answer.cookie()
                    self.visits += 1
                if self.visits % 50 == 0:  # and now and then from another connection, so at another worker
                    link.close()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Rotation(support.TestCase):
    def secret(self, name):
        (self.folder / name).write_text(secrets.token_urlsafe(32) + "\n")
        return f"{{file: {self.folder}/{name}}}"

    def text(self, *names, more=""):
        return CONFIG.replace("BACKEND", str(self.app.port)).replace("SECRETS", ", ".join(names)).replace("MORE", more)

    def opened(self):
        """(key id, how often it opened a cookie), by place."""
        found = re.findall(r'^keepsake_sessions_opened_by_key_total\{key_id="([0-9a-f]{8})",place="(\d+)"\} (\d+)$',
                           support.request(self.keepsake.admin, "/metrics").body, re.M)
        self.assertEqual([int(place) for _, place, _ in found], list(range(len(found))))
        return [(key, int(count)) for key, _, count in found]

    def visited(self, visitors, times=20):
        """Each of them came so often since."""
        before = [visitor.visits for visitor in visitors]
        until("everybody came", lambda: any(visitor.wrong for visitor in visitors) or
              all(visitor.visits >= b + times for visitor, b in zip(visitors, before)))

    def rotate(self, more, rounds):
        self.app = self.backend()
        old = self.secret("key0")
        self.keepsake = self.start(self.text(old, more=more))
        visitors = [Visitor(self.keepsake.port, name) for name in ("Alice", "Bob", "Carol")]
        try:
            for i in range(1, rounds + 1):
                new = self.secret(f"key{i}")
                self.visited(visitors)
                ((first, _),) = self.opened()
                self.keepsake.reload(self.text(new, old, more=more), "reloaded")
                self.visited(visitors)
                (_, grows), (last, rests) = self.opened()
                self.assertEqual(last, first)
                self.visited(visitors)
                (_, grown), (_, rested) = self.opened()
                self.assertGreater(grown, grows)
                self.assertEqual(rested, rests)  # so it may go
                self.keepsake.reload(self.text(new, more=more), "reloaded")
                old = new
            self.visited(visitors)
        finally:
            for visitor in visitors:
                visitor.end()
        self.assertEqual([visitor.wrong for visitor in visitors], [[]] * 3)

    def test_nobody_is_logged_out_by_a_new_secret(self):
        self.rotate("", 15)

    def test_nor_with_a_store(self):
        self.rotate("store: memory", 5)

    def test_nor_with_the_format_of_flask(self):
        self.rotate("format: flask", 5)

    def test_a_broken_file_keeps_the_old_secrets_and_ends_nothing(self):
        self.app = self.backend()
        old = self.secret("key0")
        self.keepsake = self.start(self.text(old))
        visitor = Visitor(self.keepsake.port, "Alice")
        try:
            for bad in (self.text("{file: /nowhere}"), self.text(old, more="idle_timeout: never"), "][", ""):
                self.visited([visitor])
                self.keepsake.reload(bad, "reload refused")
            (self.folder / "key0").write_text("short\n")
            self.keepsake.reload(self.text(old), "reload refused")
            self.visited([visitor])
        finally:
            visitor.end()
        self.assertEqual(visitor.wrong, [])
        self.assertEqual(len(self.opened()), 1)


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"rotation_test.{name}" for name in sys.argv[1:]] or ["rotation_test"]
    runner.main()

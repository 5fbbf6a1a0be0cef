#!/usr/bin/env python3
"""A stateless backend that counts: /counter of the real demo-backend, with the session that it writes through Keepsake.
    counter_test.py [CLASS[.test]...]"""

import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
backends:
  app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}
  reader: {servers: ["http://127.0.0.1:BACKEND"]}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/counter", host: reader.example, backend: reader}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName, X-Session-Counter: counter}
  MORE
log: {access: false}
"""


class Visitor:
    def __init__(self, port):
        self.port, self.cookie = port, None

    def ask(self, path="/counter", method="GET", body=None, **headers):
        if self.cookie:
            headers["Cookie"] = self.cookie
        answer = support.request(self.port, path, method, body, headers)
        if line := answer.headers["Set-Cookie"]:
            self.cookie = None if "Max-Age=0" in line else answer.cookie()
        return answer

    def count(self):
        return int(self.ask().body)


class Counter(support.TestCase):
    def each(self):
        app = support.Running(["sh", "-c", 'exec "$0" --listen 127.0.0.1:0 >&2', support.BIN.parent / "demo-backend"])
        self.addCleanup(app.kill)
        port = app.said(r"listens on 127\.0\.0\.1:(\d+)\n")[1]
        for more in ("", "store: memory", "format: flask"):
            with self.subTest(more=more):
                yield more, self.start(CONFIG.replace("BACKEND", port).replace("MORE", more))

    def test_it_counts_for_each_visitor(self):
        for _, keepsake in self.each():
            alice, bob = Visitor(keepsake.port), Visitor(keepsake.port)
            self.assertEqual([alice.count() for _ in range(3)], [1, 2, 3])
            self.assertEqual([bob.count() for _ in range(2)], [1, 2])
            self.assertEqual(alice.count(), 4)
            answer = alice.ask()
            self.assertEqual((answer.body, answer.headers["X-Session-Set"]), ("5\n", None))

    def test_it_counts_beside_what_a_form_sets_and_from_the_start_after_a_reset(self):
        for _, keepsake in self.each():
            alice = Visitor(keepsake.port)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            self.assertEqual(alice.count(), 1)
            self.assertEqual(alice.ask("/setName", "POST", "name=Alice", **form).status, 303)
            self.assertEqual(alice.count(), 2)
            self.assertIn("Alice", alice.ask("/").body)
            self.assertEqual(alice.ask("/reset").status, 303)
            self.assertEqual(alice.count(), 1)
            self.assertNotIn("Alice", alice.ask("/").body)

    def test_nobody_else_can_write(self):
        for _, keepsake in self.each():
            alice = Visitor(keepsake.port)
            alice.count()
            self.assertEqual(int(alice.ask(**{"X-Session-Counter": "41", "X-Session-Set": "counter=41"}).body), 2)
            answer = alice.ask(Host="reader.example")  # a backend that is not allowed to
            self.assertEqual((answer.body, answer.headers["X-Session-Set"], answer.headers["Set-Cookie"]), ("3\n", None, None))
            self.assertEqual(alice.count(), 3)

    def test_counting_at_the_same_time_counts_once_and_never_loses_the_visitor(self):
        for _, keepsake in self.each():
            alice = Visitor(keepsake.port)
            alice.count()
            seen = []
            cookie = alice.cookie

            def count(cookie=cookie):
                twin = Visitor(keepsake.port)
                twin.cookie = cookie
                seen.append(twin.count())
            threads = [threading.Thread(target=count) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(seen), 20)
            self.assertTrue(all(2 <= number <= 21 for number in seen), seen)
            self.assertGreaterEqual(alice.count(), 2)


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"counter_test.{name}" for name in sys.argv[1:]] or ["counter_test"]
    runner.main()

#!/usr/bin/env python3
"""What redis says in a failover and when it is ill, one answer at a time: a visitor stays who they are, a write that
was not acknowledged is said to have failed, and all is well again soon after redis is.
    redis_trouble_test.py [CLASS[.test]...]"""

import re
import threading
import time

import redis_world
import support
from redis_between import between
from support import until

# What redis says, the cause that is counted, and a word of the remedy.
ERRORS = [
    ("READONLY You can't write against a read only replica.", "read_only", "replica"),
    ("LOADING Redis is loading the dataset in memory", "loading", "back by itself"),
    ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "read_only", "replica"),
    ("CLUSTERDOWN The cluster is down", "cluster_down", "CLUSTER INFO"),
    ("OOM command not allowed when used memory > 'maxmemory'.", "full", "maxmemory"),
    ("MISCONF Errors writing to the AOF file: No space left on device", "disk", "disk"),
    ("NOAUTH Authentication required.", "login", "password"),
    ("NOPERM this user has no permissions to run the 'evalsha' command", "forbidden", "allow this user"),
    ("NOREPLICAS Not enough good replicas to write.", "replicas", "follow"),
    ("MOVED 3999 127.0.0.1:1", "cluster", "session.redis.cluster"),
    ("ERR max number of clients reached", "other", "log"),
]


class TestCase(redis_world.TestCase):
    def between_up(self, timeout="300ms", redis="", more=""):
        real = self.redis()
        relay = between(self, real)
        text = redis_world.config(relay.url, self.writer().port, timeout=timeout, more=more)
        proxy = self.proxy(text.replace(f"timeout: {timeout}}}", f"timeout: {timeout}{redis}}}"))
        proxy.said("connected")
        return real, relay, proxy

    def count(self, proxy, cause):
        metrics = support.request(proxy.admin, "/metrics").body
        return int(re.search(r'keepsake_store_trouble_total\{cause="%s"\} (\d+)' % cause, metrics)[1])

    def anonymous(self, proxy, cookie):
        answer = proxy.get(cookie)
        self.assertEqual((answer.status, answer.headers["Set-Cookie"]), (200, None))
        self.assertNotIn("Alice", answer.body)

    def refused(self, answer):
        self.assertEqual((answer.status, answer.headers["Retry-After"], answer.headers["Set-Cookie"]), (503, "1", None))

    def well_again(self, proxy, cookie, seconds=2):
        until("the visitor is known again", lambda: proxy.name(cookie) == "Alice", seconds)
        self.assertEqual(until("a set works", lambda: (a := proxy.post("/setColor", cookie, color="red")).status == 303
                               and a, seconds).headers["Set-Cookie"], None)


class Answers(TestCase):
    def test_every_error_leaves_the_visitor_signed_in(self):
        _, relay, proxy = self.between_up()
        cookie = proxy.new("Alice")
        logged = set()
        for error, cause, remedy in ERRORS:
            with self.subTest(error):
                before = self.count(proxy, cause)
                relay.replies["*"] = b"-" + error.encode() + b"\r\n"
                self.anonymous(proxy, cookie)
                self.refused(proxy.post("/setColor", cookie, color="blue"))
                self.refused(proxy.post("/reset", cookie))
                self.assertGreater(self.count(proxy, cause), before)
                if cause not in logged:  # one line of each in a while
                    proxy.said(re.escape(error) + ".*" + re.escape(remedy))
                    logged.add(cause)
                relay.replies.clear()
                self.well_again(proxy, cookie)

    def test_errors_in_the_greeting_are_waited_out(self):
        _, relay, proxy = self.between_up()
        cookie = proxy.new("Alice")
        for error in ("LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down"):
            relay.replies = {"SCRIPT": b"-" + error.encode() + b"\r\n"}
            relay.drop()
            proxy.said(error)
            self.anonymous(proxy, cookie)
            relay.replies = {}
            self.well_again(proxy, cookie)

    def test_a_redis_that_keeps_no_script_is_told_it_each_time(self):
        _, relay, proxy = self.between_up()
        relay.replies["EVALSHA"] = b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
        cookie = proxy.new("Alice")
        self.assertEqual(proxy.name(cookie), "Alice")
        self.assertEqual(proxy.post("/reset", cookie).status, 303)
        self.assertIsNone(proxy.name(cookie))
        self.assertIn("EVAL", relay.seen)

    def test_a_reply_that_is_no_reply_is_survived(self):
        _, relay, proxy = self.between_up()
        cookie = proxy.new("Alice")
        for reply in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"*2\r\n", b":7\r\n", b"$-1\r\n", b"*1\r\n*0\r\n", b"+OK\r\n"):
            with self.subTest(reply):
                relay.replies["*"] = reply
                self.assertIn(proxy.get(cookie).status, (200, 503))
                self.assertIn(proxy.post("/setColor", cookie, color="blue").status, (303, 503))
                relay.replies.clear()
                relay.drop()
                until("a set works", lambda: proxy.post("/setName", name="Alice").status == 303, 3)

    def test_errors_never_repeat_a_password(self):
        real = self.redis()
        relay = between(self, real)
        relay.replies["AUTH"] = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        url = relay.url.replace("redis://", "redis://user-word:secret-word@")
        proxy = self.proxy(redis_world.config(url, self.writer().port))
        proxy.said("WRONGPASS.*password")
        shown = support.request(proxy.admin, "/config").body + support.request(proxy.admin, "/readyz?verbose").body
        for word in ("secret-word", "user-word"):
            self.assertNotIn(word, proxy.text + shown)


class Silence(TestCase):
    def test_a_silent_store_costs_no_more_than_the_timeout_and_then_nothing(self):
        _, relay, proxy = self.between_up(timeout="300ms")
        cookie = proxy.new("Alice")
        relay.silent = True
        took = []
        for _ in range(8):
            began = time.monotonic()
            self.anonymous(proxy, cookie)
            took.append(time.monotonic() - began)
        self.assertLess(max(took), 0.3 + 0.25)
        self.assertLess(sorted(took)[3], 0.2)
        relay.silent = False
        self.well_again(proxy, cookie)

    def test_a_write_of_many_commands_takes_one_timeout_in_all(self):
        _, relay, proxy = self.between_up(timeout="500ms", more="  privileged: [user]")
        cookie = proxy.new("Alice")
        began = []

        class Slow(dict):
            def get(self, name, usual=None):
                if name == "EVALSHA":
                    began.append(name)
                    time.sleep(0.35)
                return usual
        relay.replies = Slow()
        start = time.monotonic()
        answer = proxy.get(cookie, "/write?user=ada")
        self.assertEqual(answer.headers["Set-Cookie"], None)
        self.assertLess(time.monotonic() - start, 0.35 + 0.5 + 0.3)  # the load, and the write
        relay.replies = {}
        self.well_again(proxy, cookie)

    def test_a_connection_left_half_open_is_left(self):
        _, relay, proxy = self.between_up(timeout="300ms")
        cookie = proxy.new("Alice")
        relay.silent = True
        self.anonymous(proxy, cookie)   # the connection in use stays silent for ever
        relay.silent = False
        self.well_again(proxy, cookie)

    def test_many_at_once_wait_no_longer_than_one(self):
        _, relay, proxy = self.between_up(timeout="400ms")
        cookies = [proxy.new("Alice") for _ in range(16)]
        relay.silent = True
        took = []

        def visit(cookie):
            began = time.monotonic()
            self.anonymous(proxy, cookie)
            took.append(time.monotonic() - began)
        threads = [threading.Thread(target=visit, args=(cookie,)) for cookie in cookies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(took), len(cookies))
        self.assertLess(max(took), 3)  # one behind the other they would take 6.4

    def test_a_store_that_comes_and_goes_logs_nobody_out(self):
        _, relay, proxy = self.between_up()
        cookies = [proxy.new("Alice") for _ in range(8)]
        wrong, done = [], threading.Event()

        def visit(cookie):
            while not done.is_set():
                answer = proxy.post("/setColor", cookie, color="red")
                if answer.status not in (303, 503) or answer.headers["Set-Cookie"]:
                    wrong.append((answer.status, answer.headers["Set-Cookie"]))
                answer = proxy.get(cookie)
                if answer.status != 200 or answer.headers["Set-Cookie"]:
                    wrong.append((answer.status, answer.headers["Set-Cookie"]))
        threads = [threading.Thread(target=visit, args=(cookie,)) for cookie in cookies]
        for thread in threads:
            thread.start()
        for _ in range(10):
            relay.drop()
            until("it is back", lambda: proxy.name(cookies[0]) == "Alice", 3)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Copies(TestCase):
    """session.redis.replicas."""

    def test_reads_go_on_while_the_replicas_do_not_follow(self):
        _, relay, proxy = self.between_up(timeout="1s", redis=", replicas: 1")
        relay.replies["WAIT"] = b":1\r\n"
        cookie = proxy.new("Alice")
        relay.replies["WAIT"] = b":0\r\n"
        slow, answers, done = [], [], threading.Event()

        def write():
            while not done.is_set():
                answers.append(proxy.post("/setColor", cookie, color="red"))
        writer = threading.Thread(target=write)
        writer.start()
        names = set()
        for _ in range(50):
            began = time.monotonic()
            names.add(proxy.name(cookie))
            slow.append(time.monotonic() - began)
        done.set()
        writer.join()
        for answer in answers:
            self.refused(answer)
        self.assertEqual(names, {"Alice"})
        self.assertLess(sorted(slow)[25], 0.2)
        self.assertGreater(self.count(proxy, "replicas"), 0)
        relay.replies["WAIT"] = b":1\r\n"
        self.well_again(proxy, cookie)

    def test_a_redis_that_knows_no_wait_is_told_of(self):
        _, relay, proxy = self.between_up(timeout="500ms", redis=", replicas: 1")
        relay.replies["WAIT"] = b"-ERR WAIT cannot be used with replica instances.\r\n"
        self.refused(proxy.post("/setName", name="Alice"))
        proxy.said("WAIT cannot be used")


if __name__ == "__main__":
    redis_world.main("redis_trouble_test")

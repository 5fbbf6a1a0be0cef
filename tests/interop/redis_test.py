#!/usr/bin/env python3
"""Sessions in a real redis-server: shared, deleted for good, unreadable, and never lost with the server.
    redis_test.py [CLASS[.test]...]"""

import signal
import socket
import threading
import time

import redis_world
import support
from redis_world import Monitor, config
from support import SECRET, until

OTHER_SECRET = "q5Y1mTz7wV9cR3kX0uJ8bN6hL2sD4gFa-PeQoWiEyUM"


class Sessions(redis_world.TestCase):
    def test_a_visitor_is_known_until_the_reset(self):
        redis, proxy = self.up()
        cookie = proxy.new("Zoë 🎉")
        self.assertEqual(proxy.name(cookie), "Zoë 🎉")
        self.assertIsNone(proxy.name())
        answer = proxy.get(cookie)
        self.assertIsNone(answer.headers["Set-Cookie"])
        done = proxy.post("/reset", cookie)
        self.assertEqual(done.status, 303)
        self.assertIn("Max-Age=0", done.headers["Set-Cookie"])
        self.assertEqual(redis.keys(), [])
        after = proxy.get(cookie)
        self.assertEqual((after.status, after.body), (200, "{}"))
        self.assertIn("Max-Age=0", after.headers["Set-Cookie"])

    def test_a_second_set_keeps_the_session_and_its_cookie(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        again = proxy.post("/setName", cookie, name="Bob")
        self.assertEqual((again.status, again.headers["Set-Cookie"]), (303, None))
        self.assertEqual(proxy.name(cookie), "Bob")
        self.assertEqual(redis.keys(), [self.key(cookie)])

    def test_the_last_value_takes_the_session_with_it(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        self.assertEqual(proxy.post("/setColor", cookie, color="red").status, 303)
        self.assertIsNone(proxy.post("/setColor", cookie, color="").headers["Set-Cookie"])
        self.assertEqual(proxy.seen(cookie), {"X-Session-Name": "Alice"})
        self.assertIn("Max-Age=0", proxy.post("/setName", cookie, name="").headers["Set-Cookie"])
        self.assertEqual(redis.keys(), [])
        self.assertIsNone(proxy.post("/setName", name="").headers["Set-Cookie"])
        self.assertEqual(redis.keys(), [])

    def test_more_values_than_allowed_change_nothing(self):
        redis, proxy = self.up(more="  max_values: 1")
        cookie = proxy.new("Alice")
        before = redis.hash(self.key(cookie))
        self.assertEqual(proxy.post("/setColor", cookie, color="red").status, 413)
        self.assertEqual(redis.hash(self.key(cookie)), before)
        self.assertEqual(proxy.post("/setBoth", name="a", color="b").status, 413)
        self.assertEqual(len(redis.keys()), 1)
        self.assertEqual(proxy.post("/setName", cookie, name="Bob").status, 303)
        self.assertEqual(proxy.name(cookie), "Bob")

    def test_a_backend_counts_in_the_session(self):
        _, proxy = self.up()
        cookie = proxy.get(path="/write?counter=1").cookie()
        self.assertEqual(proxy.seen(cookie)["X-Session-Counter"], "1")
        proxy.get(cookie, "/write?counter=2&color=blue")
        self.assertEqual(proxy.seen(cookie), {"X-Session-Counter": "2", "X-Session-Color": "blue"})
        self.assertIn("Max-Age=0", proxy.get(cookie, "/write?clear=1").headers["Set-Cookie"])
        self.assertEqual(proxy.seen(cookie), {})


class Secrecy(redis_world.TestCase):
    def test_neither_id_nor_cookie_nor_value_is_in_redis(self):
        redis, proxy = self.up()
        name = "Confidentially-Yours"
        cookie = proxy.new(name)
        session = self.session_id(cookie)
        self.assertEqual(redis.keys(), [self.key(cookie)])
        self.assertEqual(sorted(redis.hash(self.key(cookie))), ["created", "touched", "v:myName"])
        redis.ask("CONFIG", "SET", "rdbcompression", "no")
        redis.ask("SAVE")
        stored = (redis.folder / "dump.rdb").read_bytes()
        self.assertIn(b"v:myName", stored)
        for secret in (name.encode(), session.encode(), bytes.fromhex(session), cookie.partition("=")[2].encode()):
            self.assertNotIn(secret, stored)

    def test_a_value_is_worth_nothing_anywhere_else(self):
        redis, proxy = self.up()
        alice, bob = proxy.new("Alice"), proxy.new("Bob")
        sealed = redis.hash(self.key(alice))["v:myName"]
        redis.ask("HSET", self.key(bob), "v:color", redis.hash(self.key(bob))["v:myName"])
        self.assertEqual(proxy.seen(bob), {"X-Session-Name": "Bob"})
        redis.ask("HSET", self.key(bob), "v:myName", sealed)
        self.assertEqual(proxy.seen(bob), {})
        for bad in (b"", b"\x01", b"x" * 80, sealed[:-1], sealed + b"x", sealed[:-1] + bytes([sealed[-1] ^ 1])):
            with self.subTest(bad=bad):
                redis.ask("HSET", self.key(alice), "v:myName", bad)
                self.assertIsNone(proxy.name(alice))
        redis.ask("HSET", self.key(alice), "v:myName", sealed)
        self.assertEqual(proxy.name(alice), "Alice")
        proxy.said("session.secrets must list every secret")

    def test_a_new_secret_takes_over_without_a_logout(self):
        redis, writer = self.redis(), self.writer()
        (self.folder / "a").write_text(SECRET + "\n")
        (self.folder / "b").write_text(OTHER_SECRET + "\n")
        old, new = f"{{file: {self.folder}/a}}", f"{{file: {self.folder}/b}}"
        proxy = self.proxy(config(redis.url, writer.port, secrets=old))
        cookie, idle = proxy.new("Alice"), proxy.new("Bob")
        key = self.key(cookie)
        first = redis.hash(key)["v:myName"]
        monitor = Monitor(redis)
        proxy.reload(config(redis.url, writer.port, secrets=f"{new}, {old}"), "taken|reload")
        answer = until("the cookie is sealed anew", lambda: (a := proxy.get(cookie)).headers["Set-Cookie"] and a)
        cookie = answer.cookie()
        until("the value is sealed anew", lambda: redis.hash(key)["v:myName"][:5] != first[:5])
        self.assertNotIn("AUTH", monitor.commands())
        proxy.reload(config(redis.url, writer.port, secrets=new), "taken|reload")
        until("the old secret is gone", lambda: proxy.name(idle) is None)
        self.assertEqual(proxy.name(cookie), "Alice")
        self.assertIsNone(proxy.get(idle).headers["Set-Cookie"])  # one that nobody can open stays where it is


class Cost(redis_world.TestCase):
    def test_one_round_trip_with_a_cookie_and_none_without(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        proxy.name(cookie)
        monitor = Monitor(redis)
        for _ in range(5):
            self.assertEqual(proxy.name(cookie), "Alice")
        self.assertEqual(monitor.commands(), ["EVALSHA"] * 5)
        for stranger in (None, "session=x", "session=" + "A" * 200, "other=1"):
            self.assertIsNone(proxy.name(stranger))
        self.assertEqual(proxy.get(cookie, "/static/x").body, "{}")
        self.assertEqual(proxy.post("/reset").status, 303)
        self.assertEqual(proxy.post("/setName", name="a" * 300).status, 413)
        self.assertEqual(monitor.commands(), [])
        proxy.post("/setName", cookie, name="Bob")
        self.assertEqual(monitor.commands(), ["EVALSHA"])
        proxy.get(cookie, "/write?counter=1")  # a backend that writes: to read, and to write
        self.assertEqual(monitor.commands(), ["EVALSHA"] * 2)
        proxy.post("/reset", cookie)
        self.assertEqual(monitor.commands(), ["EVALSHA"])  # its former ids would end, too

    def test_a_worker_asks_for_many_visitors_over_one_connection(self):
        redis, proxy = self.up()
        cookies = [proxy.new(f"visitor-{i}") for i in range(20)]
        wrong = []

        def visit(i):
            for _ in range(10):
                if proxy.name(cookies[i]) != f"visitor-{i}":
                    wrong.append(i)
        threads = [threading.Thread(target=visit, args=(i,)) for i in range(20)]
        for thread in threads:
            thread.start()
        clients = redis.ask("CLIENT", "LIST").decode().splitlines()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(sum("cmd=evalsha" in line for line in clients), 1, clients)

    def test_scripts_that_redis_forgot_are_taught_again(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        redis.ask("SCRIPT", "FLUSH")
        monitor = Monitor(redis)
        self.assertEqual([proxy.name(cookie), proxy.name(cookie)], ["Alice", "Alice"])
        self.assertEqual(monitor.commands(), ["EVALSHA", "EVAL", "EVALSHA"])


class Time(redis_world.TestCase):
    """The stamps in redis are turned back instead of a clock forward."""

    def age(self, redis, key, created=None, touched=None):
        now = int(redis.ask("TIME")[0])
        if created is not None:
            redis.ask("HSET", key, "created", now - created)
        if touched is not None:
            redis.ask("HSET", key, "touched", now - touched)

    def test_redis_forgets_a_second_after_the_session_ended(self):
        redis, proxy = self.up(more="  idle_timeout: 100s\n  absolute_timeout: 1000s")
        cookie = proxy.new("Alice")
        key = self.key(cookie)
        self.assertIn(redis.ask("TTL", key), (100, 101))
        redis.ask("EXPIRE", key, 60)
        proxy.name(cookie)
        self.assertLessEqual(redis.ask("TTL", key), 60)  # used, but not due for a touch
        self.age(redis, key, touched=55)
        proxy.name(cookie)
        self.assertIn(redis.ask("TTL", key), (100, 101))
        self.age(redis, key, created=950, touched=55)
        proxy.name(cookie)
        self.assertIn(redis.ask("TTL", key), (50, 51))
        self.age(redis, key, created=960)
        proxy.post("/setName", cookie, name="Bob")
        self.assertIn(redis.ask("TTL", key), (40, 41))

    def test_a_session_ends_by_its_stamps(self):
        redis, proxy = self.up(more="  idle_timeout: 100s\n  absolute_timeout: 1000s")
        for created, touched, alive in ((0, 98, True), (998, 0, True), (0, 102, False), (1002, 0, False)):
            with self.subTest(created=created, touched=touched):
                cookie = proxy.new("Alice")
                self.age(redis, self.key(cookie), created, touched)
                answer = proxy.get(cookie)
                self.assertEqual("Alice" in answer.body, alive)
                self.assertEqual(answer.headers["Set-Cookie"] is None, alive)
                self.assertEqual(self.key(cookie) in redis.keys(), alive)

    def test_a_set_after_the_end_begins_under_a_new_id(self):
        redis, proxy = self.up(more="  idle_timeout: 100s\n  absolute_timeout: 1000s")
        cookie = proxy.new("Alice")
        self.age(redis, self.key(cookie), touched=102)
        fresh = proxy.post("/setColor", cookie, color="red").cookie()
        self.assertNotEqual(self.session_id(fresh), self.session_id(cookie))
        self.assertEqual(proxy.seen(fresh), {"X-Session-Color": "red"})
        self.assertEqual(redis.keys(), [self.key(fresh)])


class Replicas(redis_world.TestCase):
    def pair(self):
        redis, writer = self.redis(), self.writer()
        text = config(redis.url, writer.port, workers=2)
        first, second = self.proxy(text), self.proxy(text, "second.yaml")
        first.said("connected")
        second.said("connected")
        return redis, writer, first, second

    def test_both_serve_the_same_visitor_and_a_reset_holds_for_both(self):
        redis, _, first, second = self.pair()
        cookie = first.new("Alice")
        self.assertEqual(second.name(cookie), "Alice")
        self.assertEqual(second.post("/reset", cookie).status, 303)
        self.assertIsNone(first.name(cookie))
        self.assertEqual(redis.keys(), [])

    def test_parallel_sets_of_different_keys_both_survive(self):  # S-24
        _, _, first, second = self.pair()
        cookie = first.new("start")
        for i in range(30):
            barrier = threading.Barrier(2)

            def run(proxy, path, **fields):
                barrier.wait()
                statuses.append(proxy.post(path, cookie, **fields).status)
            statuses = []
            threads = [threading.Thread(target=run, args=(first, "/setName"), kwargs={"name": f"n{i}"}),
                       threading.Thread(target=run, args=(second, "/setColor"), kwargs={"color": f"c{i}"})]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [303, 303])
            self.assertEqual(first.seen(cookie), {"X-Session-Name": f"n{i}", "X-Session-Color": f"c{i}"})

    def test_a_reset_during_a_slow_write_stays_reset(self):  # S-25
        redis, writer, first, second = self.pair()
        cookie = first.new("Alice")
        answers = []
        slow = threading.Thread(target=lambda: answers.append(first.get(cookie, "/hold?counter=7")))
        slow.start()
        self.assertTrue(writer.held.wait(10))
        self.assertEqual(second.post("/reset", cookie).status, 303)
        writer.go.set()
        slow.join()
        self.assertEqual(answers[0].status, 200)
        self.assertIn("Alice", answers[0].body)
        self.assertIsNone(answers[0].headers["Set-Cookie"])  # the browser may have another session's by now
        self.assertEqual(redis.keys(), [])
        self.assertEqual(first.seen(cookie), {})

    def test_twenty_requests_at_once_lose_nothing(self):  # S-26
        redis, _, first, second = self.pair()
        cookie = first.new("Alice")
        redis.ask("HSET", self.key(cookie), "touched", int(redis.ask("TIME")[0]) - 61)  # due for a touch
        names = []
        threads = [threading.Thread(target=lambda p=proxy: names.append(p.name(cookie)))
                   for proxy in (first, second) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(names, ["Alice"] * 20)


class Trouble(redis_world.TestCase):
    def kept(self, answer, status):
        """An answer that neither sets nor clears the cookie."""
        self.assertEqual(answer.status, status)
        self.assertIsNone(answer.headers["Set-Cookie"])
        if status == 503:
            self.assertEqual(answer.headers["Retry-After"], "1")
        return answer

    def arrives(self, proxy, name):
        """A new visitor, however often a short timeout is too short for a busy machine."""
        return until(f"{name} is there", lambda: (a := proxy.post("/setName", name=name)).status == 303 and a.cookie())

    def writes_refused(self, proxy, cookie):
        self.kept(proxy.post("/setName", cookie, name="x"), 503)
        self.kept(proxy.post("/reset", cookie), 503)

    def test_killed_and_restarted_nobody_is_logged_out(self):  # S-27
        redis, proxy = self.up("--appendonly", "yes", "--appendfsync", "always", workers=2)
        cookies = {name: proxy.new(name) for name in (f"visitor-{i}" for i in range(8))}
        wrong, seen, done = [], {"named": 0, "anonymous": 0}, threading.Event()

        def visit(name):
            while not done.is_set():
                answer = proxy.get(cookies[name])
                named = name in answer.body
                if answer.status != 200 or answer.headers["Set-Cookie"] or (not named and answer.body != "{}"):
                    wrong.append((answer.status, answer.body, answer.headers["Set-Cookie"]))
                seen["named" if named else "anonymous"] += 1
        threads = [threading.Thread(target=visit, args=(name,)) for name in cookies]
        for thread in threads:
            thread.start()
        until("there is load", lambda: seen["named"] > 50)
        redis.kill()
        until("there is load without redis", lambda: seen["anonymous"] > 50)
        for cookie in list(cookies.values())[:2]:
            self.writes_refused(proxy, cookie)
        self.kept(proxy.get(cookies["visitor-0"], "/write?counter=1"), 200)
        redis.start()
        named = seen["named"]
        until("visitors are known again", lambda: seen["named"] > named + 50)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        for name, cookie in cookies.items():
            self.assertEqual(proxy.name(cookie), name)
        self.assertLess(proxy.text.count("[warning]") + proxy.text.count("warn"), 20, proxy.text)

    def test_a_redis_that_came_back_empty_is_a_miss(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        redis.kill()
        self.kept(proxy.get(cookie), 200)
        redis.start()
        until("the miss clears the cookie", lambda: proxy.get(cookie).headers["Set-Cookie"])
        self.assertEqual(proxy.seen(cookie), {})

    def test_starts_without_redis_and_finds_it_later(self):  # S-28
        redis = self.redis(start=False)
        proxy = self.proxy(config(redis.url, self.writer().port))
        proxy.said("cannot connect: Connection refused; is it running")
        self.assertEqual(proxy.seen(), {})
        self.kept(proxy.post("/setName", name="Alice"), 503)
        redis.start()
        proxy.said("connected")
        self.assertEqual(proxy.name(proxy.new("Alice")), "Alice")

    def test_readiness_follows_redis(self):  # S-28
        for policy, down in (("anonymous", 200), ("refuse", 503)):
            with self.subTest(policy=policy):
                redis = self.redis(start=False)
                text = config(redis.url, self.writer().port, workers=2, more=f"  on_store_error: {policy}")
                proxy = self.proxy(text)
                status, body = proxy.ready()
                self.assertEqual(status, down)
                self.assertIn("degraded: store", body)
                self.assertEqual(support.request(proxy.admin, "/healthz").status, 200)
                redis.start()
                until("it is ready", lambda: proxy.ready()[0] == 200 and "degraded" not in proxy.ready()[1])
                redis.kill()
                until("it is degraded", lambda: proxy.ready()[0] == down and "degraded" in proxy.ready()[1])

    def test_refuse_answers_503_instead_of_a_stranger(self):
        redis, proxy = self.up(more="  on_store_error: refuse")
        cookie = proxy.new("Alice")
        redis.kill()
        self.kept(until("503", lambda: (a := proxy.get(cookie)).status == 503 and a), 503)
        self.assertEqual(proxy.seen(), {})
        self.assertEqual(proxy.get(cookie, "/static/x").status, 200)
        self.writes_refused(proxy, cookie)

    def test_a_slow_redis_costs_one_timeout_at_most(self):
        redis, proxy = self.up(timeout="200ms")
        cookie = self.arrives(proxy, "Alice")
        with redis.asleep(3):
            began = time.monotonic()
            self.kept(proxy.get(cookie), 200)
            self.assertLess(time.monotonic() - began, 2)
            self.kept(proxy.post("/setName", cookie, name="Bob"), 503)
            self.assertEqual(proxy.seen(), {})
        proxy.said("no answer in time")
        until("Alice is back", lambda: proxy.name(cookie) is not None)
        self.assertIsNone(proxy.get(cookie).headers["Set-Cookie"])

    def test_a_dead_redis_stops_costing_anything(self):
        redis, proxy = self.up(timeout="500ms")
        cookie = self.arrives(proxy, "Alice")
        redis.child.send_signal(signal.SIGSTOP)
        waited = 0
        for _ in range(60):
            began = time.monotonic()
            self.kept(proxy.get(cookie), 200)
            waited += time.monotonic() - began >= 0.5
        self.assertGreaterEqual(waited, 1)
        self.assertLess(waited, 15)
        redis.child.send_signal(signal.SIGCONT)
        until("Alice is back", lambda: proxy.name(cookie) == "Alice")

    def test_a_full_redis_lets_read_and_says_what_to_do(self):
        redis, proxy = self.up("--maxmemory-policy", "noeviction")
        cookie = proxy.new("Alice")
        key = self.key(cookie)
        redis.ask("HSET", key, "touched", int(redis.ask("TIME")[0]) - 61)  # it would be touched
        redis.ask("CONFIG", "SET", "maxmemory", 1)
        self.assertEqual(self.kept(proxy.get(cookie), 200).body, '{"X-Session-Name": "Alice"}')
        self.kept(proxy.post("/setName", cookie, name="Bob"), 503)
        self.kept(proxy.post("/setName", name="Carol"), 503)
        proxy.said("raise its maxmemory")
        self.assertEqual(len(redis.keys()), 1)
        self.assertEqual(proxy.name(cookie), "Alice")
        self.assertEqual(proxy.post("/reset", cookie).status, 303)
        self.assertEqual(redis.keys(), [])
        redis.ask("CONFIG", "SET", "maxmemory", 0)
        self.assertEqual(proxy.name(proxy.new("Carol")), "Carol")

    def test_a_replica_lets_read_and_says_what_to_do(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        redis.ask("REPLICAOF", "127.0.0.1", "1")
        self.kept(proxy.post("/setName", cookie, name="Bob"), 503)
        proxy.said("must name its primary")
        redis.ask("REPLICAOF", "NO", "ONE")
        self.assertEqual(proxy.name(cookie), "Alice")

    def test_a_wrong_password_is_no_reason_to_stop(self):
        redis = self.redis("--requirepass", "right", login=("right",))
        writer = self.writer()
        for login in (":wrong@", "", "nobody:right@"):
            with self.subTest(login=login):
                url = redis.url.replace("//", "//" + login)
                proxy = self.proxy(config(url, writer.port))
                proxy.said("check user and password in session.redis.url")
                self.kept(proxy.post("/setName", name="Alice"), 503)
                self.assertEqual(proxy.seen(), {})
                self.assertNotIn("wrong", proxy.text.replace("WRONGPASS", ""))
                proxy.kill()
        proxy = self.proxy(config(redis.url.replace("//", "//:right@"), writer.port))
        proxy.said("connected")
        self.assertEqual(proxy.name(proxy.new("Alice")), "Alice")

    def test_a_closed_connection_is_opened_again(self):
        redis, proxy = self.up()
        cookie = proxy.new("Alice")
        for _ in range(3):
            redis.ask("CLIENT", "KILL", "TYPE", "normal")
            until("Alice is back", lambda: self.kept(proxy.get(cookie), 200).body != "{}")

    def test_something_else_than_redis_is_survived(self):
        backend = self.writer()  # an HTTP server
        proxy = self.proxy(config(f"redis://127.0.0.1:{backend.port}/0", backend.port))
        proxy.said(r"redis://127.0.0.1:\d+: ")
        self.kept(proxy.post("/setName", name="Alice"), 503)
        self.assertEqual(proxy.seen(), {})


class Places(redis_world.TestCase):
    def test_a_unix_socket_and_a_database_number(self):
        redis = self.redis(unix=True)
        proxy = self.proxy(config(redis.url + "?db=3", self.writer().port))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        self.assertEqual(redis.keys(3), [self.key(cookie)])
        self.assertEqual(proxy.name(cookie), "Alice")
        redis.kill()
        redis.start()
        until("the socket is found again", lambda: proxy.post("/setName", name="Bob").status == 303)

    def test_a_name_instead_of_an_address(self):
        redis = self.redis()
        proxy = self.proxy(config(f"redis://localhost:{redis.port}", self.writer().port, workers=2))
        proxy.said("connected")
        self.assertEqual(proxy.name(proxy.new("Alice")), "Alice")

    def test_a_user_who_may_do_no_more_than_is_needed(self):
        redis = self.redis()
        redis.ask("ACL", "SETUSER", "keepsake", "on", ">a b/c", "~keepsake:*", "+evalsha", "+eval", "+script|load",
                  "+hgetall", "+hmget", "+hset", "+hdel", "+hlen", "+hexists", "+hget", "+expire", "+del", "+select")
        url = redis.url.replace("//", "//keepsake:a%20b%2Fc@").replace("/0", "/1")
        proxy = self.proxy(config(url, self.writer().port))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        self.assertEqual(proxy.post("/setBoth", cookie, name="Bob", color="").status, 303)
        self.assertEqual(proxy.name(cookie), "Bob")
        self.assertEqual(proxy.post("/reset", cookie).status, 303)
        redis.ask("ACL", "SETUSER", "keepsake", "-hset")
        self.assertEqual(proxy.post("/setName", name="Alice").status, 503)
        proxy.said("allow this user ~keepsake")

    def test_a_reload_moves_to_another_redis(self):
        first, second, writer = self.redis(), self.redis(), self.writer()
        proxy = self.proxy(config(first.url, writer.port))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        clients = [line for line in first.ask("CLIENT", "LIST").decode().splitlines() if "cmd=evalsha" in line]
        proxy.reload(config(first.url, writer.port, more="  max_values: 5"), "taken|reload")
        self.assertEqual(proxy.name(cookie), "Alice")
        now = [line for line in first.ask("CLIENT", "LIST").decode().splitlines() if "cmd=evalsha" in line]
        self.assertEqual([line.split()[0] for line in now], [line.split()[0] for line in clients])
        proxy.reload(config(second.url, writer.port), f"{second.port}: connected")
        self.assertIsNone(proxy.name(cookie))
        self.assertEqual(proxy.name(proxy.new("Bob")), "Bob")
        self.assertEqual(len(second.keys()), 1)
        until("the old connection is closed",
              lambda: b"cmd=evalsha" not in first.ask("CLIENT", "LIST"))

    def test_the_end_is_not_held_up(self):
        redis, proxy = self.up(timeout="30s")
        cookie = proxy.new("Alice")
        redis.child.send_signal(signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as waiting:
            waiting.sendall(f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
            self.assertEqual(proxy.seen(), {})  # came later to the same worker: the other one waits for redis now
            began = time.monotonic()
            proxy.signal(signal.SIGTERM)
            proxy.said("draining")
            proxy.signal(signal.SIGTERM)
            self.assertEqual(proxy.ends(10), 0)
            self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    redis_world.main("redis_test")

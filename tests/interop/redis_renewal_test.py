#!/usr/bin/env python3
"""Sessions in a real redis-server that get a new id, are in use for long, or whose server is demoted.
    redis_renewal_test.py [CLASS[.test]...]"""

import socket
import threading
import time

import redis_world
from redis_world import config
from support import free_port, until

PRIVILEGED = "  privileged: [user]"


class Renewal(redis_world.TestCase):
    def test_a_planted_session_never_shows_what_its_visitor_signs_in_with(self):
        redis, proxy = self.up(more=PRIVILEGED)
        planted = proxy.new("planted")
        own = proxy.get(planted, "/write?user=ada&color=red").cookie()
        self.assertNotEqual(self.session_id(own), self.session_id(planted))
        self.assertEqual(proxy.seen(own), {"X-Session-Name": "planted", "X-Session-Color": "red"})
        self.assertEqual(proxy.seen(planted), {"X-Session-Name": "planted"})
        former = redis.hash(self.key(planted))
        self.assertEqual(sorted(former), ["created", "next", "renewed", "touched", "v:myName"])
        self.assertLessEqual(redis.ask("TTL", self.key(planted)), 31)
        self.assertIn("v:user", redis.hash(self.key(own)))
        self.assertEqual(redis.hash(self.key(own))["created"], former["created"])

    def test_the_same_value_again_renews_nothing(self):
        redis, proxy = self.up(more=PRIVILEGED)
        own = proxy.get(path="/write?user=ada").cookie()
        self.assertIsNone(proxy.get(own, "/write?user=ada&color=red").headers["Set-Cookie"])
        self.assertEqual(redis.keys(), [self.key(own)])
        self.assertEqual(proxy.seen(own), {"X-Session-Color": "red"})

    def test_a_privileged_key_that_goes_is_gone_from_the_former_id_too(self):
        redis, proxy = self.up(more=PRIVILEGED)
        own = proxy.get(path="/write?user=ada&color=red").cookie()
        after = proxy.get(own, "/write?user=").cookie()
        self.assertNotIn("v:user", redis.hash(self.key(own)))
        self.assertNotIn("v:user", redis.hash(self.key(after)))
        self.assertEqual(proxy.seen(after), {"X-Session-Color": "red"})

    def test_the_former_id_is_over_after_thirty_seconds_and_never_touched(self):
        redis, proxy = self.up(more=PRIVILEGED)
        planted = proxy.new("planted")
        proxy.get(planted, "/write?user=ada")
        key = self.key(planted)
        redis.ask("HSET", key, "touched", int(redis.ask("TIME")[0]) - 61)  # a session would be touched
        before = redis.hash(key)
        self.assertEqual(proxy.name(planted), "planted")
        self.assertEqual(redis.hash(key), before)
        redis.ask("HSET", key, "renewed", int(redis.ask("TIME")[0]) - 32)
        self.assertIsNone(proxy.name(planted))
        self.assertNotIn(key, redis.keys())

    def test_a_write_under_the_former_id_begins_a_session_without_what_is_privileged(self):
        redis, proxy = self.up(more=PRIVILEGED)
        first = proxy.get(path="/write?user=ada&color=red").cookie()
        own = proxy.get(first, "/write?user=bob").cookie()
        third = proxy.post("/setName", first, name="late").cookie()
        self.assertNotIn("v:user", redis.hash(self.key(third)))
        self.assertEqual(proxy.seen(third), {"X-Session-Name": "late", "X-Session-Color": "red"})
        self.assertEqual(proxy.seen(own), {"X-Session-Color": "red"})
        fourth = proxy.get(first, "/write?user=mallory").cookie()
        self.assertEqual(proxy.seen(own), {"X-Session-Color": "red"})
        self.assertIn("v:user", redis.hash(self.key(fourth)))

    def test_a_reset_ends_every_former_id_at_once(self):
        redis, proxy = self.up(more=PRIVILEGED)
        cookie = proxy.new("planted")
        for user in "abc":
            cookie = proxy.get(cookie, f"/write?user={user}").cookie()
        self.assertEqual(len(redis.keys()), 4)
        proxy.post("/reset", cookie)
        self.assertEqual(redis.keys(), [])

    def test_a_former_id_goes_when_there_are_more_than_four(self):
        redis, proxy = self.up(more=PRIVILEGED)
        cookie = proxy.new("planted")
        for user in "abcdefg":
            cookie = proxy.get(cookie, f"/write?user={user}").cookie()
        self.assertEqual(len(redis.keys()), 5)

    def test_parallel_sets_and_renewals_lose_nothing(self):
        _, proxy = self.up(more=PRIVILEGED)
        for i in range(20):
            cookie = proxy.new("start")
            barrier, own = threading.Barrier(2), []

            def write(path, found):
                barrier.wait()
                answer = proxy.get(cookie, path)
                if answer.headers["Set-Cookie"]:
                    found.append(answer.cookie())
            late = []
            threads = [threading.Thread(target=write, args=(f"/write?user=u{i}", own)),
                       threading.Thread(target=write, args=(f"/write?color=c{i}", late))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            # Either the color was there before the renewal, or its write began a session of its own.
            seen = proxy.seen(late[0] if late else own[0])
            self.assertEqual(seen, {"X-Session-Name": "start", "X-Session-Color": f"c{i}"})

    def test_two_renewals_at_once_are_two_sessions_at_most_and_one_has_each_user(self):
        redis, proxy = self.up(more=PRIVILEGED)
        for _ in range(20):
            redis.ask("FLUSHALL")
            cookie = proxy.get(path="/write?user=before&color=red").cookie()
            barrier, found = threading.Barrier(2), []

            def write(query):
                barrier.wait()
                found.append(proxy.get(cookie, f"/write?{query}").cookie())
            threads = [threading.Thread(target=write, args=("user=one",)),
                       threading.Thread(target=write, args=("counter=2&user=",))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertNotIn("v:user", redis.hash(self.key(cookie)))
            self.assertEqual(len(redis.keys()), 3)
            users = ["v:user" in redis.hash(self.key(own)) for own in found]
            self.assertEqual(sorted(users), [False, True])

    def test_the_last_value_is_the_end_though_it_is_privileged(self):
        redis, proxy = self.up(more=PRIVILEGED)
        own = proxy.get(path="/write?user=ada").cookie()
        self.assertIn("Max-Age=0", proxy.get(own, "/write?user=").headers["Set-Cookie"])
        self.assertEqual(redis.keys(), [])


class Use(redis_world.TestCase):
    SHORT = "  idle_timeout: 2s\n  touch_interval: 1s"

    def test_a_request_longer_than_the_idle_timeout_is_use(self):
        redis, writer = self.redis(), self.writer()
        proxy = self.proxy(config(redis.url, writer.port, more=self.SHORT))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        answers = []
        slow = threading.Thread(target=lambda: answers.append(proxy.get(cookie, "/hold?color=red")))
        slow.start()
        self.assertTrue(writer.held.wait(10))
        began = time.monotonic()
        until("five seconds are over", lambda: time.monotonic() - began > 5)
        self.assertIn(self.key(cookie), redis.keys())
        writer.go.set()
        slow.join()
        self.assertIsNone(answers[0].headers["Set-Cookie"])
        self.assertEqual(proxy.seen(cookie), {"X-Session-Name": "Alice", "X-Session-Color": "red"})


class Slots(redis_world.TestCase):
    """One command touches one session: a cluster whose nodes share the keys would run each of them."""

    def test_no_command_has_two_keys(self):
        redis = self.redis("--cluster-enabled", "yes", "--cluster-port", str(free_port()), start=False).start()
        redis.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        until("the cluster is up", lambda: b"cluster_state:ok" in redis.ask("CLUSTER", "INFO"))
        proxy = self.proxy(config(redis.url, self.writer().port, more=PRIVILEGED))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        self.assertIsNone(proxy.post("/setName", cookie, name="Bob").headers["Set-Cookie"])
        own = proxy.get(cookie, "/write?user=ada&color=red").cookie()
        self.assertEqual(proxy.seen(own), {"X-Session-Name": "Bob", "X-Session-Color": "red"})
        third = proxy.get(cookie, "/write?color=blue").cookie()
        proxy.get(third, "/write?clear=1")
        proxy.post("/reset", own)
        self.assertEqual([key for key in redis.keys() if "keepsake:" in key], [])
        redis.ask("DEL", self.key(proxy.new("Carol")))
        self.assertEqual(proxy.post("/setName", own, name="Dora").status, 303)
        self.assertNotIn("refused", proxy.text)


class Gate:
    """An address behind which another server stands from now on; old connections stay with the old one."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Failover(redis_world.TestCase):
    def pair(self, **settings):
        """A primary behind a gate, its replica, and a keepsake."""
        primary, replica = self.redis(), self.redis()
        gate = Gate(primary.port)
        self.addCleanup(gate.close)
        proxy = self.proxy(config(f"redis://127.0.0.1:{gate.port}/0", self.writer().port, **settings))
        proxy.said("connected")
        replica.ask("REPLICAOF", "127.0.0.1", primary.port)
        until("the replica follows", lambda: b"master_link_status:up" in replica.ask("INFO", "replication"))
        return primary, replica, gate, proxy

    def fail_over(self, primary, replica, gate):
        until("the replica has it all", lambda: primary.ask("WAIT", 1, 1000) == 1)
        replica.ask("REPLICAOF", "NO", "ONE")
        primary.ask("REPLICAOF", "127.0.0.1", replica.port)
        gate.target = replica.port

    def test_a_write_that_a_demoted_server_refuses_finds_the_new_primary(self):
        primary, replica, gate, proxy = self.pair()
        cookie = proxy.new("Alice")
        self.fail_over(primary, replica, gate)
        answer = until("a set works", lambda: (a := proxy.post("/setName", cookie, name="Bob")).status == 303 and a)
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertEqual(proxy.name(cookie), "Bob")
        proxy.said("connects anew")

    def test_a_touch_that_a_demoted_server_refuses_is_enough(self):
        primary, replica, gate, proxy = self.pair()
        cookie = proxy.new("Alice")
        stamp = int(replica.ask("TIME")[0]) - 61
        primary.ask("HSET", self.key(cookie), "touched", stamp)
        self.fail_over(primary, replica, gate)

        def touched():
            answer = proxy.get(cookie)
            self.assertIsNone(answer.headers["Set-Cookie"])
            return int(replica.hash(self.key(cookie))["touched"]) > stamp
        until("the new primary is touched", touched)

    def test_a_server_that_loads_its_data_is_waited_for_elsewhere(self):
        primary, replica, gate, proxy = self.pair()
        cookie = proxy.new("Alice")
        until("the replica has it all", lambda: primary.ask("WAIT", 1, 1000) == 1)
        replica.ask("REPLICAOF", "NO", "ONE")
        primary.ask("CONFIG", "SET", "replica-serve-stale-data", "no")
        primary.ask("REPLICAOF", "127.0.0.1", "1")  # MASTERDOWN to everything
        gate.target = replica.port
        until("the visitor is known", lambda: proxy.name(cookie) == "Alice")


class Access(redis_world.TestCase):
    def test_a_user_that_may_neither_hello_nor_script_is_enough(self):
        redis = self.redis()
        redis.ask("ACL", "SETUSER", "keepsake", "on", ">right", "~keepsake:*", "+evalsha", "+eval", "+hgetall", "+hmget",
                  "+hset", "+hdel", "+hlen", "+hexists", "+hget", "+expire", "+del", "+select")
        url = redis.url.replace("//", "//keepsake:right@")
        proxy = self.proxy(config(url, self.writer().port, more=PRIVILEGED))
        proxy.said("connected")
        cookie = proxy.new("Alice")
        own = proxy.get(cookie, "/write?user=ada").cookie()
        self.assertEqual(proxy.name(own), "Alice")
        self.assertEqual(proxy.post("/reset", own).status, 303)
        self.assertEqual(redis.keys(), [])
        self.assertNotIn("NOPERM", proxy.text)


if __name__ == "__main__":
    redis_world.main("redis_renewal_test")

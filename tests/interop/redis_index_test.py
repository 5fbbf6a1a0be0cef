#!/usr/bin/env python3
"""session.index and lifetimes of sessions in a real redis-server.
    redis_index_test.py [CLASS[.test]...]"""

import contextlib
import json
import pathlib
import re
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))

import redis_world  # noqa: E402
import support  # noqa: E402
from redis_world import config  # noqa: E402
from support import until  # noqa: E402

INDEXED = "  index: user"
TOKEN = "an-admin-token-for-tests-0123456789abcdef"
SECRETS = {"ADMIN_TOKEN": TOKEN, "OTHER_KEY": "another-secret-for-tests-0123456789abcdef"}


class Asker(support.Service):
    """A backend that answers with the headers that the query lists, and shows what it got."""

    def answer(self, request):
        _, _, query = request.path.partition("?")
        seen = {name: value for name, value in request.headers.items() if name.lower().startswith("x-session-")}
        wish = urllib.parse.parse_qsl(query) if request.path.startswith("/ask") else []
        request.say(json.dumps(seen).encode(), headers=wish)


class TestCase(redis_world.TestCase):
    def world(self, *options, more=INDEXED, **settings):
        self.backend = Asker()
        self.addCleanup(self.backend.close)
        self.redis_server = self.redis(*options)
        text = config(self.redis_server.url, self.backend.port, more=more, **settings)
        text = text.replace("X-Session-Counter: counter", "X-Session-User: user")
        text = text.replace('admin: {address: "127.0.0.1:0"}',
                            'admin: {address: "127.0.0.1:0", token: {env: ADMIN_TOKEN}}')
        self.proxy_ = self.proxy(text)
        self.proxy_.said("connected")
        return self.redis_server, self.proxy_

    def proxy(self, text, name="keepsake.yaml"):
        proxy = redis_world.Proxy(self.write(text, name), **SECRETS)
        self.addCleanup(proxy.kill)
        return proxy

    def session_id(self, cookie):
        done = self.cli("inspect", "--config", str(self.folder / "keepsake.yaml"), cookie.partition("=")[2],
                        SESSION_KEY=support.SECRET, **SECRETS)
        return re.search(r"\bid\b\W+([0-9a-f]{32})", done.stdout)[1]

    def ask(self, cookie=None, **headers):
        query = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in headers.items()})
        return self.proxy_.get(cookie, "/ask?" + query)

    def sign_in(self, user, cookie=None):
        return self.ask(cookie, X_Session_Set=f"user={user}").cookie()

    def user(self, cookie):
        return self.proxy_.seen(cookie).get("X-Session-User")

    def indexes(self):
        """The members of each index."""
        names = [key for key in self.redis_server.keys() if key.startswith("keepsake:index:")]
        with contextlib.closing(self.redis_server.client()) as client:
            return {name: sorted(member.decode() for member in client.ask("ZRANGE", name, 0, -1)) for name in names}

    def admin(self, path, method="GET", token=TOKEN):
        return support.request(self.proxy_.admin, path, method, headers={"Authorization": f"Bearer {token}"})

    def name(self, cookie):
        return self.key(cookie).removeprefix("keepsake:")


class Index(TestCase):
    def test_others_and_all_end_the_sessions_of_one_person(self):
        redis, _ = self.world()
        phone, laptop, other = self.sign_in("ada"), self.sign_in("ada"), self.sign_in("bob")
        self.assertIsNone(self.ask(laptop, X_Session_Clear="others").headers["Set-Cookie"])
        self.assertEqual([self.user(phone), self.user(laptop), self.user(other)], [None, "ada", "bob"])
        again = self.sign_in("ada")
        self.assertIn("Max-Age=0", self.ask(again, X_Session_Clear="all").headers["Set-Cookie"])
        self.assertEqual([self.user(again), self.user(laptop), self.user(other)], [None, None, "bob"])
        self.assertEqual(list(self.indexes().values()), [[self.name(other)]])
        self.assertEqual(len(redis.keys()), 2)

    def test_the_index_tells_nobody_whose_it_is_and_lasts_as_long_as_its_sessions(self):
        redis, _ = self.world(more=INDEXED + "\n  idle_timeout: 100s")
        cookie = self.sign_in("ada")
        (name, members), = self.indexes().items()
        self.assertRegex(name, "^keepsake:index:[0-9a-f]{64}$")
        self.assertNotIn("ada", name)
        self.assertEqual(members, [self.name(cookie)])
        self.assertTrue(0 <= redis.ask("TTL", name) - redis.ask("TTL", self.key(cookie)) <= 2)
        self.assertEqual(redis.hash(self.key(cookie))["index"].decode(), name.rpartition(":")[2])

    def test_a_session_leaves_the_index_in_whatever_way_it_ends(self):
        self.world()
        self.proxy_.post("/reset", self.sign_in("ada"))
        self.assertEqual(self.indexes(), {})
        self.ask(self.sign_in("ada"), X_Session_Set="user=")
        self.assertEqual(self.indexes(), {})
        self.ask(self.sign_in("ada"), X_Session_Clear="true")
        self.assertEqual(self.indexes(), {})
        self.admin("/sessions/" + self.name(self.sign_in("ada")), "DELETE")
        self.assertEqual(self.indexes(), {})
        bob = self.sign_in("bob", self.sign_in("ada"))
        self.assertEqual(list(self.indexes().values()), [[self.name(bob)]])
        none = self.ask(bob, X_Session_Set="user=&color=red").cookie()
        self.assertEqual(self.indexes(), {})
        self.assertEqual(self.proxy_.seen(none), {"X-Session-Color": "red"})

    def test_a_session_that_idles_out_leaves_the_index_by_the_next_sign_in(self):
        redis, _ = self.world(more=INDEXED + "\n  idle_timeout: 2s\n  touch_interval: 1s")
        first = self.sign_in("ada")
        until("the session is over", lambda: self.key(first) not in redis.keys())
        until("and its index with it", lambda: self.indexes() == {}, 10)
        first = self.sign_in("ada")
        until("nearly over", lambda: redis.ask("PTTL", self.key(first)) < 1900)
        second = self.sign_in("ada")
        until("the first is over", lambda: self.key(first) not in redis.keys())
        self.user(second)
        third = self.sign_in("ada")
        (members,) = self.indexes().values()
        self.assertNotIn(self.name(first), members)
        self.assertIn(self.name(third), members)

    def test_use_keeps_a_session_in_the_index(self):
        redis, _ = self.world(more=INDEXED + "\n  idle_timeout: 100s\n  touch_interval: 10s")
        cookie = self.sign_in("ada")
        (name,) = self.indexes()
        now = int(redis.ask("TIME")[0])
        redis.ask("HSET", self.key(cookie), "touched", now - 50)
        redis.ask("ZADD", name, now + 20, self.name(cookie))
        redis.ask("EXPIRE", name, 20)
        self.assertEqual(self.user(cookie), "ada")
        until("the index knows", lambda: redis.ask("TTL", name) > 90)
        self.assertGreaterEqual(int(redis.ask("ZSCORE", name, self.name(cookie))), now + 99)

    def test_an_index_that_begins_later_and_one_of_an_older_secret_know_the_session_after_its_use(self):
        redis, proxy = self.world(more="")
        cookie = self.sign_in("ada")
        self.assertEqual(self.indexes(), {})
        text = (self.folder / "keepsake.yaml").read_text().replace("store: redis", "store: redis\n  index: user")
        proxy.reload(text, "reloaded")
        self.assertEqual(self.user(cookie), "ada")
        until("the index has it", lambda: list(self.indexes().values()) == [[self.name(cookie)]])
        (old,) = self.indexes()
        proxy.reload(text.replace("{env: SESSION_KEY}", "{env: OTHER_KEY}, {env: SESSION_KEY}"), "reloaded")
        page = json.loads(self.admin("/sessions?user=ada").body)  # under the older secret's name still
        self.assertEqual(len(page["sessions"]), 1)
        self.assertEqual(self.user(cookie), "ada")
        until("it moved", lambda: old not in self.indexes() and len(self.indexes()) == 1)
        self.assertEqual(len(json.loads(self.admin("/sessions?user=ada").body)["sessions"]), 1)

    def test_an_operator_lists_and_ends_the_sessions_of_one_person(self):
        self.world()
        cookies = [self.sign_in("ada%20b") for _ in range(3)] + [self.sign_in("bob")]
        page = json.loads(self.admin("/sessions?user=ada%20b").body)
        self.assertEqual({entry["id"] for entry in page["sessions"]}, {self.name(cookie) for cookie in cookies[:3]})
        self.assertEqual(page["sessions"][0]["values"], 1)
        self.assertEqual(self.admin("/sessions?user=ada+b", "DELETE", "wrong").status, 403)
        self.assertEqual(json.loads(self.admin("/sessions?user=ada+b", "DELETE").body), {"ended": 3})
        self.assertEqual(json.loads(self.admin("/sessions?user=ada+b", "DELETE").body), {"ended": 0})
        self.assertEqual([self.user(cookie) for cookie in cookies], [None, None, None, "bob"])
        for wrong in ("/sessions?name=x", "/sessions?user=a&user=b", "/sessions?user=%zz", "/sessions?user"):
            self.assertEqual(self.admin(wrong, "DELETE").status, 400, wrong)
            self.assertEqual(self.admin(wrong).status, 400, wrong)
        self.assertEqual(self.admin("/sessions", "DELETE").status, 400)

    def test_a_listing_of_many_goes_on_where_it_stopped(self):
        self.world()
        for _ in range(150):
            self.sign_in("ada")
        seen, after = set(), ""
        while after is not None:
            page = json.loads(self.admin(f"/sessions?user=ada&limit=20&after={after}").body)
            seen |= {entry["id"] for entry in page["sessions"]}
            after = page["next"]
        self.assertEqual(len(seen), 150)
        self.assertEqual(self.admin("/sessions?user=ada&after=x").status, 400)
        self.assertEqual(json.loads(self.admin("/sessions?user=ada", "DELETE").body), {"ended": 150})
        self.assertEqual(self.indexes(), {})

    def test_a_store_that_fails_in_between_is_reported_and_the_visitor_stays(self):
        redis, proxy = self.world(timeout="300ms")
        first, second = self.sign_in("ada"), self.sign_in("ada")
        with redis.asleep(2):
            self.assertEqual(self.admin("/sessions?user=ada", "DELETE").status, 503)
        until("redis is back", lambda: self.user(second) == "ada")
        self.assertEqual(self.user(first), "ada")


class Lifetime(TestCase):
    MORE = "  idle_timeout: 100s\n  absolute_timeout: 5000s\n  touch_interval: 10s"

    def test_a_session_with_a_lifetime_of_its_own_idles_as_long(self):
        redis, proxy = self.world(more=self.MORE)
        answer = self.ask(X_Session_Set="user=ada", X_Session_Lifetime="1000s")
        self.assertIn("Max-Age=1000", answer.headers["Set-Cookie"])
        cookie, key = answer.cookie(), self.key(answer.cookie())
        self.assertEqual(redis.hash(key)["lifetime"], b"1000")
        self.assertGreater(redis.ask("TTL", key), 990)
        redis.ask("HSET", key, "touched", int(redis.ask("TIME")[0]) - 900)
        self.assertEqual(self.user(cookie), "ada")  # which is a touch
        self.assertGreater(int(redis.hash(key)["touched"]), int(redis.ask("TIME")[0]) - 5)
        redis.ask("HSET", key, "touched", int(redis.ask("TIME")[0]) - 1001)
        self.assertIsNone(self.user(cookie))

    def test_a_write_keeps_it_a_renewal_keeps_it_and_browser_takes_it_away(self):
        redis, proxy = self.world(more=self.MORE + "\n  privileged: [user]\n  max_values: 2")
        cookie = self.ask(X_Session_Set="user=ada", X_Session_Lifetime="1000s").cookie()
        self.assertIsNone(proxy.post("/setColor", cookie, color="red").headers["Set-Cookie"])
        key = self.key(cookie)
        self.assertEqual(redis.hash(key)["lifetime"], b"1000")
        self.assertGreater(redis.ask("TTL", key), 990)
        self.assertIsNone(self.ask(cookie, X_Session_Set="more=x").headers["Set-Cookie"])
        self.assertNotIn("v:more", redis.hash(key))  # it would be the third value
        renewed = self.ask(cookie, X_Session_Renew="true")
        self.assertIn("Max-Age=1000", renewed.headers["Set-Cookie"])
        key = self.key(renewed.cookie())
        self.assertEqual(redis.hash(key)["lifetime"], b"1000")
        taken = self.ask(renewed.cookie(), X_Session_Lifetime="browser")
        self.assertNotIn("Max-Age", taken.headers["Set-Cookie"])
        self.assertNotIn("lifetime", redis.hash(key))
        self.assertLessEqual(redis.ask("TTL", key), 101)
        self.assertEqual(self.user(taken.cookie()), "ada")


class Parallel(TestCase):
    def test_of_twenty_parallel_requests_during_a_renewal_none_fails_and_none_sees_the_new_values(self):
        self.world(workers=2)
        for _ in range(5):
            planted = self.proxy_.new("planted")
            barrier, statuses, own, users = threading.Barrier(21), [], [], []

            def visit():
                barrier.wait()
                answer = self.proxy_.get(planted)
                statuses.append(answer.status)
                users.append(json.loads(answer.body).get("X-Session-User"))

            def renew():
                barrier.wait()
                own.append(self.sign_in("ada", planted))
            threads = [threading.Thread(target=visit) for _ in range(20)] + [threading.Thread(target=renew)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [200] * 20)
            self.assertEqual(users, [None] * 20)
            self.assertEqual(self.user(own[0]), "ada")


if __name__ == "__main__":
    redis_world.main("redis_index_test")

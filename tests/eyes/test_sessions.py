"""/sessions of the admin listener: who may, what is shown, what ends."""

import json
import re
import shutil
import subprocess
import unittest

from eyes import ADMIN, EyesTest
from support import free_port, plain, request, set_name, until

TOKEN = "a-token-of-thirty-six-characters-1234"
WITH_TOKEN = "admin: {address: 127.0.0.1:0, token: {env: ADMIN_TOKEN}}\n"


class SessionsTest(EyesTest):
    store = "store: memory, "

    def setUp(self):
        super().setUp()
        self.app = self.backend()
        self.begin(WITH_TOKEN)

    def begin(self, admin, store=None):
        text = plain(backend=self.app.port, more=admin).replace(
            "session: {", "session: {" + (self.store if store is None else store))
        self.keepsake = self.start(text, ADMIN_TOKEN=TOKEN)

    def ask(self, path, method="GET", token=TOKEN, **headers):
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        return self.admin(path, method=method, headers=headers)

    def listing(self, path="/sessions"):
        answer = self.ask(path)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"), answer.body)
        return json.loads(answer.body)


class Memory(SessionsTest):
    def test_lists_hashed_ids_and_never_values(self):
        cookie = set_name(self.keepsake.port, "Secretname")
        body = self.ask("/sessions").body
        listing = json.loads(body)
        self.assertIsNone(listing["next"])
        [session] = listing["sessions"]
        self.assertRegex(session["id"], r"\A[0-9a-f]{64}\Z")
        self.assertRegex(session["created"], r"\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        self.assertEqual((session["last_used"], session["values"]), (session["created"], 1))
        self.assertEqual(set(session), {"id", "created", "last_used", "values"})
        for secret in ("Secretname", "myName", cookie.partition("=")[2], TOKEN):
            self.assertNotIn(secret, body)

    def test_ends_one_session_and_no_other(self):
        ann, bob = set_name(self.keepsake.port, "Ann"), set_name(self.keepsake.port, "Bob")
        first = self.listing("/sessions?limit=1")["sessions"][0]["id"]
        answer = self.ask("/sessions/" + first, "DELETE")
        self.assertEqual((answer.status, answer.body), (200, "ended\n"))
        self.assertEqual(self.ask("/sessions/" + first, "DELETE").status, 404)
        names = sorted(request(self.keepsake.port, "/", headers={"Cookie": cookie}).body for cookie in (ann, bob))
        self.assertIn(names, (["Ann", "nobody"], ["Bob", "nobody"]))
        self.assertEqual(len(self.listing()["sessions"]), 1)

    def test_pages_have_everybody_once(self):
        for number in range(25):
            set_name(self.keepsake.port, f"name{number}")
        seen, path = [], "/sessions?limit=10"
        while path:
            page = self.listing(path)
            self.assertLessEqual(len(page["sessions"]), 10)
            seen += [session["id"] for session in page["sessions"]]
            path = page["next"] and "/sessions?limit=10&after=" + page["next"]
        self.assertEqual((len(seen), len(set(seen))), (25, 25))

    def test_nobody_without_the_token(self):
        set_name(self.keepsake.port, "Ann")
        for method, path in (("GET", "/sessions"), ("DELETE", "/sessions/" + "0" * 64)):
            answer = self.ask(path, method, token=None)
            self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, "Bearer"))
            for token in ("x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 5000):
                self.assertEqual(self.ask(path, method, token=token).status, 403)
            self.assertEqual(self.admin(path, method=method, headers={"Authorization": "Basic " + TOKEN}).status, 401)
        self.assertNotIn(TOKEN, self.keepsake.text)

    def test_without_a_token_in_the_configuration_nobody_at_all(self):
        self.begin(ADMIN)
        self.assertEqual(self.ask("/sessions").status, 403)

    def test_is_404_where_sessions_live_in_cookies(self):
        self.begin(WITH_TOKEN, store="")
        self.assertEqual(self.ask("/sessions").status, 404)
        self.assertEqual(self.ask("/sessions/" + "0" * 64, "DELETE").status, 404)

    def test_what_makes_no_sense_is_refused(self):
        for path in ("/sessions?limit=0", "/sessions?limit=1001", "/sessions?limit=-1", "/sessions?limit=x",
                     "/sessions?limit=", "/sessions?after=x", "/sessions?after=" + "g" * 64):
            self.assertEqual(self.ask(path).status, 400, path)
        for name in ("x", "0" * 63, "0" * 65, "A" * 64, "..%2fconfig", ""):
            self.assertEqual(self.ask("/sessions/" + name, "DELETE").status, 404, name)
        self.assertEqual(self.ask("/sessions", "DELETE").headers["Allow"], "GET, HEAD")
        self.assertEqual(self.ask("/sessions/" + "0" * 64).headers["Allow"], "DELETE")
        self.assertEqual(self.ask("/sessionsx").status, 404)

    def test_the_token_is_not_in_the_configuration_that_is_shown(self):
        self.assertNotIn(TOKEN, self.admin("/config").body)


@unittest.skipUnless(shutil.which("redis-server"), "redis-server is not installed")
class Redis(SessionsTest):
    def setUp(self):
        port = free_port()
        self.redis_port = port
        super(SessionsTest, self).setUp()
        redis = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(self.folder)],
                                 stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.kill)
        until("redis answers", lambda: self.redis("PING") == "PONG")
        self.store = f'store: redis, redis: {{url: "redis://127.0.0.1:{port}/0"}}, '
        self.app = self.backend()
        self.begin(WITH_TOKEN)

    def redis(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.redis_port), *words], text=True, capture_output=True).stdout.strip()

    def test_lists_and_ends_what_is_in_redis(self):
        ann, bob = set_name(self.keepsake.port, "Ann"), set_name(self.keepsake.port, "Bob")
        self.redis("SET", "keepsake:" + "0" * 64, "not a hash")
        self.redis("HSET", "keepsake:elsewhere", "created", "1", "touched", "1")
        self.redis("SET", "other", "thing")
        sessions = self.listing()["sessions"]
        self.assertEqual(len(sessions), 2)
        self.assertEqual({session["values"] for session in sessions}, {1})
        self.assertTrue(all(re.fullmatch("[0-9a-f]{64}", session["id"]) for session in sessions))
        self.assertEqual(self.ask("/sessions/" + sessions[0]["id"], "DELETE").status, 200)
        self.assertEqual(self.ask("/sessions/" + sessions[0]["id"], "DELETE").status, 404)
        names = {request(self.keepsake.port, "/", headers={"Cookie": cookie}).body for cookie in (ann, bob)}
        self.assertIn("nobody", names)
        self.assertEqual(len(names), 2)

    def test_pages_go_on_where_redis_says(self):
        for number in range(60):
            set_name(self.keepsake.port, f"name{number}")
        seen, path, pages = set(), "/sessions?limit=10", 0
        while path:
            page = self.listing(path)
            seen |= {session["id"] for session in page["sessions"]}
            path = page["next"] and "/sessions?limit=10&after=" + page["next"]
            pages += 1
            self.assertLess(pages, 60)
        self.assertEqual(len(seen), 60)
        self.assertGreater(pages, 1)
        self.assertEqual(self.ask("/sessions?after=1%200").status, 400)

    def test_many_other_keys_cost_a_bounded_time(self):
        self.redis("EVAL", "for i = 1, 50000 do redis.call('SET', 'other:' .. i, i) end", "0")
        set_name(self.keepsake.port, "Ann")
        page = self.listing("/sessions?limit=1000")  # some of it, and where to go on
        self.assertIsNotNone(page["next"])

    def test_a_store_that_is_down_is_503_and_the_listener_lives(self):
        self.redis("SHUTDOWN", "NOSAVE")
        self.assertEqual(self.ask("/sessions").status, 503)
        self.assertEqual(self.ask("/sessions/" + "0" * 64, "DELETE").status, 503)
        self.assertEqual(self.admin("/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()

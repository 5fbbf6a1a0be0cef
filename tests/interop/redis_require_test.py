#!/usr/bin/env python3
"""Routes that need a session, with the sessions in a real redis-server that goes and comes back.
    redis_require_test.py [CLASS[.test]...]"""

import redis_world
from redis_world import config
from support import request, until

ROUTES = """\
  - {path: /login, backend: app}
  - {path: "/account/*", backend: app, require: [user], else: /login}
  - {path: "/staff/*", backend: app, require: {role: [admin]}}
  - {path: /poll, backend: app, touch: false}
  - {path: /note, set: {note: note}, require: [user]}
"""


class Require(redis_world.TestCase):
    def up(self, more=""):
        redis = self.redis()
        text = config(redis.url, self.writer().port, timeout="300ms", more=more)
        proxy = self.proxy(text.replace('  - {path: "/*"', ROUTES + '  - {path: "/*"'))
        proxy.said("connected")
        return redis, proxy

    def status(self, proxy, path, cookie=None, method="GET"):
        headers = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
        body = "note=x" if method == "POST" else None
        return request(proxy.port, path, method, body, {**headers, **({"Cookie": cookie} if cookie else {})})

    def test_a_store_that_is_silent_signs_nobody_out_and_admits_nobody(self):
        for policy, judged in (("anonymous", 1), ("refuse", 0)):  # refuse answers before the route is asked
            with self.subTest(policy=policy):
                redis, proxy = self.up(f"  on_store_error: {policy}")
                user = proxy.get(path="/write?user=ada&role=guest").cookie()
                self.assertEqual(self.status(proxy, "/account/x", user).status, 200)
                self.assertEqual(self.status(proxy, "/staff/x", user).status, 403)
                self.assertEqual(self.status(proxy, "/note", user, "POST").status, 303)
                redis.kill()
                for path, method in (("/account/x", "GET"), ("/staff/x", "GET"), ("/note", "POST")):
                    silent = self.status(proxy, path, user, method)
                    self.assertEqual((silent.status, silent.headers["Retry-After"]), (503, "1"), path)
                    self.assertIn("no-store", silent.headers["Cache-Control"])
                    self.assertEqual((silent.headers["Set-Cookie"], silent.headers["Location"]), (None, None))
                # A visitor without a cookie needs no store to be a stranger.
                self.assertEqual(self.status(proxy, "/account/x").status, 303)
                metrics = request(proxy.admin, "/metrics").body
                for reason, count in {"anonymous": 1, "wrong_value": 0, "store_silent": judged}.items():
                    self.assertIn(f'keepsake_require_denied_total{{route="/account/*",reason="{reason}"}} {count}\n', metrics)
                proxy.kill()

    def test_without_touch_the_stamp_in_redis_stays(self):
        redis, proxy = self.up("  touch_interval: 1s\n  idle_timeout: 100s")
        cookie = proxy.new("Ada")
        key = self.key(cookie)
        old = int(redis.ask("TIME")[0]) - 50
        redis.ask("HSET", key, "touched", old)
        for _ in range(3):
            self.assertEqual(proxy.seen(cookie, "/poll"), {"X-Session-Name": "Ada"})
        self.assertEqual(int(redis.hash(key)["touched"]), old)
        self.assertEqual(proxy.name(cookie), "Ada")
        until("the stamp is new", lambda: int(redis.hash(key)["touched"]) > old)


if __name__ == "__main__":
    redis_world.main("redis_require_test")

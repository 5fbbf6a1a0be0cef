#!/usr/bin/env python3
"""A real shared cache, varnish, in front of Keepsake: two visitors never see each other's page, and what has no
session is cached as if Keepsake were not there.
    varnish_test.py [CLASS[.test]...]"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402
from support import until  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: /reset, clear: true, redirect: /}
  - {path: "/static/*", backend: app, session: false}
  - {path: /login, backend: app}
  - {path: /session, show: [myName]}
  - {path: "/account/*", backend: app, require: [myName], else: /login}
  - {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName}
  touch_interval: TOUCH
log: {access: false}
"""

# Varnish's own rules let no request with a cookie into the cache, which would prove nothing. This cache looks at no
# cookie by itself, caches whatever the response allows, and keeps visitors apart by Vary alone.
BOLD = """
sub vcl_recv { if (req.method == "GET" || req.method == "HEAD") { return (hash); } return (pass); }
"""


VARNISHD = shutil.which("varnishd", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Site(support.Service):
    """A backend that allows everybody to cache its pages; it counts how often each was asked for."""

    def __init__(self):
        self.asked = []
        super().__init__()

    def answer(self, request):
        self.asked.append(request.path)
        headers = [("Cache-Control", "public, max-age=600, s-maxage=600"), ("ETag", '"1"')]
        if request.path.startswith("/write"):
            headers.append(("X-Session-Set", request.path.partition("?")[2]))
        request.say(f"page of {request.headers.get('X-Session-Name', 'nobody')} at {request.path}".encode(), headers=headers)


class Caching(support.TestCase):
    def world(self, rules=BOLD, touch="1h"):
        """A response that touches the session is not cached: only the test about that wants one while it runs."""
        self.site = Site()
        self.addCleanup(self.site.close)
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(self.site.port)).replace("TOUCH", touch))
        vcl = f'vcl 4.1;\nbackend default {{ .host = "127.0.0.1"; .port = "{self.keepsake.port}"; }}\n{rules}'
        self.cache = support.free_port()
        log = (self.folder / "varnish.log").open("w")
        self.addCleanup(log.close)
        child = subprocess.Popen([VARNISHD, "-F", "-j", "none", "-n", str(self.folder / "varnish"), "-a", f"127.0.0.1:{self.cache}",
                                  "-f", self.write(vcl, "cache.vcl"), "-s", "malloc,10m", "-p", "vsl_space=1M"],
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

        def end():
            child.terminate()
            child.wait(20)
        self.addCleanup(end)

        def answers():
            if child.poll() is not None:
                raise AssertionError((self.folder / "varnish.log").read_text())
            with contextlib.suppress(OSError):
                return support.request(self.cache, "/static/up").status == 200
        until("varnish answers", answers, 60)

    def get(self, path="/", cookie=None, method="GET", **headers):
        answer = support.request(self.cache, path, method, headers={**({"Cookie": cookie} if cookie else {}), **headers})
        answer.hit = " " in answer.headers["X-Varnish"]  # the request's number, and the one that filled the cache
        return answer

    def arrive(self, name):
        answer = support.request(self.cache, "/setName", "POST", urllib.parse.urlencode({"name": name}),
                                 {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 303)
        return answer.cookie()

    def test_two_visitors_never_see_each_other_s_page(self):
        self.world()
        alice, bob = self.arrive("Alice"), self.arrive("Bob")
        for _ in range(3):
            self.assertEqual(self.get(cookie=alice).body, "page of Alice at /")
            self.assertEqual(self.get(cookie=bob).body, "page of Bob at /")
            self.assertEqual(self.get().body, "page of nobody at /")
        # It did cache: each visitor's page for that visitor.
        self.assertEqual([self.get(cookie=who).hit for who in (alice, bob, None)], [True] * 3)
        self.assertEqual(self.site.asked.count("/"), 3)
        self.assertEqual(self.get().headers["Vary"], "Cookie")
        # Asking whether it changed is answered out of the cache, with the same Vary.
        unchanged = self.get(**{"If-None-Match": '"1"'})
        self.assertEqual((unchanged.status, unchanged.headers["Vary"]), (304, "Cookie"))

    def test_this_cache_would_mix_visitors_up_without_vary(self):
        """What the test above is worth."""
        self.world(BOLD + "sub vcl_backend_response { unset beresp.http.Vary; }")
        alice, bob = self.arrive("Alice"), self.arrive("Bob")
        self.assertEqual(self.get(cookie=alice).body, "page of Alice at /")
        self.assertEqual(self.get(cookie=bob).body, "page of Alice at /")

    def test_nothing_of_a_route_that_needs_a_session_is_kept(self):
        """Not even by a cache that looks at no Vary."""
        self.world(BOLD + "sub vcl_backend_response { unset beresp.http.Vary; }")
        alice, bob = self.arrive("Alice"), self.arrive("Bob")
        for _ in range(2):
            for who, name in ((alice, "Alice"), (bob, "Bob")):
                page = self.get("/account/x", cookie=who)
                self.assertEqual((page.body, page.hit), (f"page of {name} at /account/x", False))
                self.assertEqual(self.get("/session", cookie=who).body, f'{{"myName":"{name}"}}\n')
            away = self.get("/account/x", Accept="text/html")
            self.assertEqual((away.status, away.hit), (303, False))
            self.assertEqual(self.get("/account/x").status, 401)
            self.assertEqual(self.get("/session").body, "{}\n")

    def test_no_response_with_a_cookie_of_ours_is_kept(self):
        self.world(touch="1s")
        alice = self.arrive("Alice")
        for value in ("three", "four", "five"):
            answer = self.get(f"/write?myName={value}", alice)
            self.assertIn("session=", answer.headers["Set-Cookie"])
            self.assertEqual((answer.hit, answer.headers["Cache-Control"]), (False, "private, no-store"))
        for value in ("one", "two"):
            answer = self.get(f"/write?myName={value}", alice)
            self.assertIn("session=", answer.headers["Set-Cookie"])
            self.assertFalse(answer.hit)
        self.assertIsNone(self.get().headers["Set-Cookie"])

        def touched():
            answer = support.request(self.cache, f"/touch{len(self.site.asked)}", headers={"Cookie": alice})
            return answer if answer.headers["Set-Cookie"] else None
        answer = until("the touch", touched)
        self.assertEqual(answer.headers["Cache-Control"], "private, no-store")
        before = len(self.site.asked)
        path = self.site.asked[-1]
        again = self.get(path, alice)
        self.assertFalse(again.hit)
        self.assertEqual(len(self.site.asked), before + 1)

    def test_a_page_is_not_shown_after_the_reset(self):
        self.world()
        alice = self.arrive("Alice")
        self.assertEqual(self.get(cookie=alice).body, "page of Alice at /")
        done = support.request(self.cache, "/reset", "POST", headers={"Cookie": alice})
        self.assertEqual((done.status, done.headers["Cache-Control"]), (303, "private, no-store"))
        self.assertEqual(self.get().body, "page of nobody at /")

    def test_what_has_no_session_is_cached_for_everybody(self):
        self.world()
        self.get("/static/logo")
        for cookie in (self.arrive("Alice"), "session=nonsense", None):
            answer = self.get("/static/logo", cookie)
            self.assertEqual((answer.hit, answer.body), (True, "page of nobody at /static/logo"))
            self.assertEqual((answer.headers["Vary"], answer.headers["Set-Cookie"]), (None, None))
            self.assertEqual(answer.headers["Cache-Control"], "public, max-age=600, s-maxage=600")
        self.assertEqual(self.site.asked.count("/static/logo"), 1)

    def test_the_rules_that_varnish_comes_with_are_safe_too(self):
        self.world(rules="")
        alice, bob = self.arrive("Alice"), self.arrive("Bob")
        for _ in range(2):
            self.assertEqual(self.get().body, "page of nobody at /")
            self.assertEqual(self.get(cookie=alice).body, "page of Alice at /")
            self.assertEqual(self.get(cookie=bob).body, "page of Bob at /")
        self.assertTrue(self.get().hit)


if __name__ == "__main__":
    if not VARNISHD:
        print("varnishd is not installed (Debian: varnish)")
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"varnish_test.{name}" for name in sys.argv[1:]] or ["varnish_test"]
    runner.main()

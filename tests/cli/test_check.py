import re
import unittest

from support import ROOT, SECRET, TestCase, plain

FILES = sorted([*(ROOT / "config").glob("*.yaml"), *(ROOT / "config/examples").glob("*.yaml")])


class Check(TestCase):
    def test_every_file_that_is_handed_out_is_fine(self):
        self.assertGreater(len(FILES), 2)
        self.write(SECRET, "session_key")
        for file in FILES:
            with self.subTest(file=file.name):
                # Secrets of containers lie where only a container has them.
                text = re.sub(r"/run/secrets/\w+", f"{self.folder}/session_key", file.read_text())
                variables = dict.fromkeys(re.findall(r"\benv: (\w+)", text), SECRET)
                done = self.cli("check", "--config", self.write(text, file.name), **variables)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, r"\AOK: ")

    def test_success_says_what_it_would_do(self):
        text = plain(8080, 3000, 'admin: {address: "127.0.0.1:9090"}\n')
        done = self.cli("check", "--config", self.write(text.replace("listen: [", 'listen: [{address: "unix:/run/k.sock"}, ')))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(re.sub(r"key [0-9a-f]{8}", "key ID", done.stdout),
                         f"OK: {self.folder}/keepsake.yaml\n"
                         "would listen on unix:/run/k.sock\n"
                         "would listen on http://127.0.0.1:8080\n"
                         "would listen on 127.0.0.1:9090 for administration\n"
                         "would forward to app: http://127.0.0.1:3000\n"
                         'would keep sessions in a sealed cookie "session", gone after 1d without a visit or 31d in '
                         "all; key ID (env SESSION_KEY)\n")

    def test_risky_settings_are_warned_of_and_still_fine(self):
        for settings, warning in {
            "": r"session\.cookie\.secure: auto means never here",
            "session.cookie: {secure: false}": r"session\.cookie\.secure: false: browsers send the session cookie over plain",
            "session.cookie: {secure: true, same_site: none}": r"session\.cookie\.same_site: none: ",
            "admin: {address: \"0.0.0.0:9090\"}": r"admin\.address: 0\.0\.0\.0:9090: whoever reaches this address",
            "limits: {connections: 10, connections_per_client: 20}": r"limits\.connections_per_client: more than",
        }.items():
            with self.subTest(settings=settings):
                text = plain(8080)
                if settings.startswith("session."):
                    text = text.replace("session: {", "session: {" + settings.removeprefix("session.") + ", ")
                else:
                    text += settings + "\n"
                done = self.cli("check", "--config", self.write(text))
                if "not available in this version" in done.stderr:
                    continue
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stderr, r"warning: \S+/keepsake\.yaml: " + warning)

    def warned(self, text):
        done = self.cli("check", "--config", self.write(text))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_a_cookie_that_browsers_would_not_send_or_keep_is_warned_of(self):
        def with_cookie(cookie, listen="127.0.0.1:8080", **routes):
            text = plain(8080).replace("session: {", "session: {cookie: {" + cookie + "}, ").replace("127.0.0.1:8080", listen)
            for old, new in routes.items():
                text = text.replace(f"path: /{old}", new)
            return self.warned(text)

        said = with_cookie("path: /app")
        for route in ("/setName", "/reset"):
            self.assertRegex(said, rf"session\.cookie\.path: /app does not cover routes\[\d\]\.path: {route}")
        inside = {"setName": "path: /app/setName", "reset": 'path: "/app/reset/*"'}
        said = with_cookie("path: /app", **inside)
        self.assertNotIn(".path: /app/", said)
        self.assertRegex(said, r"session\.cookie\.path: /app does not cover routes\[\d\]\.redirect: /: ")
        self.assertNotIn("does not cover", with_cookie("path: /", **inside))
        self.assertRegex(with_cookie("domain: example.com", setName="host: shop.example.org, path: /setName"),
                         r"session\.cookie\.domain: example\.com is no parent of routes\[\d\]\.host: shop\.example\.org")
        self.assertNotIn("is no parent", with_cookie("domain: example.com", setName="host: shop.example.com, path: /setName"))
        for cookie in ("secure: true", "name: __Host-s, secure: true"):
            self.assertRegex(with_cookie(cookie, "0.0.0.0:8080"), r"session\.cookie\.secure: true: browsers that come to listen\[0\] over plain http")
            self.assertEqual(with_cookie(cookie), "")

    def test_session_headers_that_backends_refuse_are_warned_of(self):
        def with_session(keys):
            return self.warned(plain(8080).replace(
                "session: {", "session: {headers: {X-All: {all: json}}, cookie: {secure: true}, " + keys + ", "))

        self.assertRegex(with_session("store: memory"), r"session\.headers\.X-All: may grow to 24 KiB")
        self.assertEqual(with_session("store: memory, max_values: 10"), "")

    def test_nothing_to_warn_of_is_silence(self):
        text = plain(8080).replace("session: {", "session: {cookie: {secure: true}, ")
        self.assertEqual(self.cli("check", "--config", self.write(text)).stderr, "")


if __name__ == "__main__":
    unittest.main()

import http.client
import re
import signal
import socket
import unittest

from support import PATIENCE, TestCase, plain, request, set_name, until


def closed(link):
    """True once the other side has closed it."""
    link.settimeout(PATIENCE)
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True


class Reload(TestCase):
    def test_a_good_file_is_for_new_requests_on_old_connections(self):
        backend = self.backend()
        keepsake = self.start(plain(backend=backend.port))
        cookie = set_name(keepsake.port, "Ann")
        link = http.client.HTTPConnection("127.0.0.1", keepsake.port, timeout=PATIENCE)
        self.assertEqual(request(keepsake.port, "/", headers={"Cookie": cookie}, connection=link).body, "Ann")
        before = link.sock
        keepsake.reload(plain(backend=backend.port).replace("session: {", "session: {headers: {X-Other: myName}, "),
                        "reloaded .*keepsake.yaml")
        self.assertEqual(request(keepsake.port, "/", headers={"Cookie": cookie}, connection=link).body, "nobody")
        self.assertIs(link.sock, before)
        link.close()

    def test_secrets_are_read_again_and_the_old_one_still_opens(self):
        backend = self.backend()
        new, old = self.write("n" + "0123456789" * 4, "new"), self.write("o" + "0123456789" * 4, "old")
        text = plain(backend=backend.port).replace("{env: SESSION_KEY}", "{file: FILE}")
        keepsake = self.start(text.replace("FILE", old))
        cookie = set_name(keepsake.port, "Ann")
        keepsake.reload(text.replace("{file: FILE}", f"{{file: {new}}}, {{file: {old}}}"), "reloaded")
        answer = request(keepsake.port, "/", headers={"Cookie": cookie})
        self.assertEqual(answer.body, "Ann")
        self.assertNotEqual(answer.cookie(), cookie)  # sealed anew with the first
        keepsake.reload(text.replace("FILE", new), "reloaded")
        self.assertEqual(request(keepsake.port, "/", headers={"Cookie": cookie}).body, "nobody")
        self.assertEqual(request(keepsake.port, "/", headers={"Cookie": answer.cookie()}).body, "Ann")

    def test_a_reload_repeats_no_warning(self):
        newline = "the newline at the end of file .* is not part of the secret"
        file = self.write("n" + "0123456789" * 4 + "\n", "secret")
        text = plain(backend=self.backend().port).replace("{env: SESSION_KEY}", f"{{file: {file}}}")
        keepsake = self.start(text)
        keepsake.said(newline)
        said = keepsake.reload("# a line more\n" + text, "reloaded")
        self.assertNotRegex(said, newline)
        # Another file, or another warning, is said.
        other = self.write("m" + "0123456789" * 4 + "\n", "other")
        said = keepsake.reload(text.replace("[{file", f"[{{file: {other}}}, {{file").replace(
            "session: {", "session: {cookie: {http_only: false}, "), "reloaded")
        self.assertRegex(said, newline.replace(".*", r"\S*/other"))
        self.assertEqual(len(re.findall(newline, said)), 1)
        self.assertRegex(said, "scripts of the page can read the session cookie")

    def test_a_bad_file_changes_nothing_and_says_every_problem(self):
        backend = self.backend()
        good = plain(backend=backend.port, more="admin: {address: 127.0.0.1:0}\n")
        keepsake = self.start(good)
        said = keepsake.reload(good + "worker: 1\nworkers: many\n", "reload refused")
        self.assertRegex(said, r"keepsake\.yaml:10:1: worker: .*workers")
        self.assertRegex(said, r"keepsake\.yaml:11:10: workers: ")
        self.assertRegex(said, r"reload refused: \S+ has 2 problems; the configuration of \S+Z stays in use")
        self.assertEqual(request(keepsake.port, "/").status, 200)
        state = request(keepsake.admin, "/readyz?verbose")
        self.assertEqual(state.status, 200)
        self.assertRegex(state.body, r"\Aready\n[^$]*reloads: 0 done, 1 refused\nlast reload: refused \S+Z\n  \S+:10:1: worker: ")
        keepsake.reload(good, "reloaded")
        state = request(keepsake.admin, "/readyz?verbose")
        self.assertIn("reloads: 1 done, 1 refused\n", state.body)
        self.assertNotIn("last reload", state.body)

    def test_a_file_that_went_away_changes_nothing(self):
        keepsake = self.start(plain(backend=self.backend().port))
        (self.folder / "keepsake.yaml").unlink()
        keepsake.signal(signal.SIGHUP)
        keepsake.said(r"reload: \S+: cannot be read: No such file")
        self.assertEqual(request(keepsake.port, "/").status, 200)

    def test_what_needs_a_restart_is_named_and_left_as_it_is(self):
        backend = self.backend()
        more = "admin: {address: 127.0.0.1:0}\nworkers: 1\n"
        keepsake = self.start(plain(backend=backend.port, more=more))
        said = keepsake.reload(plain(0, backend.port, more.replace("workers: 1", "workers: 2")), "reloaded")
        self.assertRegex(said, "warn.* workers was changed in the file; it is applied when keepsake is restarted")
        self.assertEqual(said.count("was changed"), 1)
        self.assertEqual(request(keepsake.port, "/").status, 200)
        self.assertIn("needs a restart: workers ", request(keepsake.admin, "/readyz?verbose").body)
        self.assertIn("workers: 1\n", request(keepsake.admin, "/config").body)

    def test_log_level_and_format_follow_the_file(self):
        text = plain(more="admin: {address: 127.0.0.1:0}\n")
        keepsake = self.start(text)
        said = keepsake.reload(text.replace("access: false", "format: json"), "reloaded")
        self.assertRegex(said, r'(?m)^\{"time":"[^"]+","level":"info","message":"reloaded \S+: new requests go by it"\}$')
        since = len(keepsake.text)
        (self.folder / "keepsake.yaml").write_text(text.replace("access: false", "level: error"))
        keepsake.signal(signal.SIGHUP)
        until("it was taken", lambda: "reloads: 2 done" in request(keepsake.admin, "/readyz?verbose").body)
        self.assertEqual(keepsake.text[since:], "")
        self.assertRegex(keepsake.reload(text, "reloaded"), r"(?m)^\d{4}-\d\d-\d\d .* info +reloaded")


class Drain(TestCase):
    def begin(self, drain="30s"):
        """A keepsake with one request in flight."""
        self.app = self.backend()
        keepsake = self.start(plain(backend=self.app.port, more=f"timeouts: {{drain: {drain}}}\nadmin: {{address: 127.0.0.1:0}}\n"))
        self.link = http.client.HTTPConnection("127.0.0.1", keepsake.port, timeout=PATIENCE)
        self.addCleanup(self.link.close)
        self.link.request("GET", "/wait")
        self.assertTrue(self.app.waiting.wait(PATIENCE))
        return keepsake

    def test_a_request_in_flight_is_finished(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                keepsake = self.begin()
                idle = http.client.HTTPConnection("127.0.0.1", keepsake.port, timeout=PATIENCE)
                self.assertEqual(request(keepsake.port, "/", connection=idle).status, 200)
                keepsake.signal(number)
                keepsake.said(r"(Terminated|Interrupt): draining for at most 30s, 2 connections are open")
                until("the listener is closed", lambda: refuses(keepsake.port))
                self.assertTrue(closed(idle.sock))
                idle.close()
                self.assertEqual(request(keepsake.admin, "/healthz").status, 200)
                state = request(keepsake.admin, "/readyz")
                self.assertEqual((state.status, state.body), (503, "draining\n"))
                self.assertIsNone(keepsake.child.poll())
                self.app.go.set()
                answer = self.link.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, b"nobody"))
                self.assertEqual(keepsake.ends(), 0)
                self.assertIn("stopped", keepsake.text)

    def test_the_drain_has_an_end(self):
        keepsake = self.begin(drain="50ms")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        self.assertIn("the drain is over: cutting 1 connections", keepsake.text)
        self.assertTrue(closed(self.link.sock))

    def test_a_second_signal_cuts_at_once(self):
        keepsake = self.begin()
        keepsake.signal(signal.SIGTERM)
        keepsake.said("draining for at most 30s")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(10), 0)
        self.assertIn("a second signal: cutting 1 connections", keepsake.text)
        self.assertTrue(closed(self.link.sock))

    def test_without_connections_it_ends_right_away(self):
        keepsake = self.start(plain())
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(10), 0)

    def test_the_port_is_free_again_at_once(self):
        first = self.start(plain(backend=self.backend().port))
        request(first.port, "/")
        first.signal(signal.SIGTERM)
        first.ends()
        second = self.start(plain(first.port, self.backend().port))
        self.assertEqual(second.port, first.port)

    def test_a_reload_while_draining_is_ignored(self):
        keepsake = self.begin()
        keepsake.signal(signal.SIGTERM)
        keepsake.said("draining")
        keepsake.signal(signal.SIGHUP)
        self.app.go.set()
        self.assertEqual(self.link.getresponse().read(), b"nobody")
        self.assertEqual(keepsake.ends(), 0)
        self.assertNotIn("reload", keepsake.text)


if __name__ == "__main__":
    unittest.main()

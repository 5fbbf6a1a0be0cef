import os
import pty
import subprocess

from support import BIN, TestCase, environment


class Init(TestCase):
    def test_without_a_terminal_it_writes_a_file_that_passes_the_check(self):
        done = self.cli("init")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("keepsake check\n", done.stdout)
        checked = self.cli("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn("would forward to app: http://127.0.0.1:3000\n", checked.stdout)

    def test_flags_answer_the_questions(self):
        done = self.cli("init", "--backend", "https://web:8443", "--listen", "127.0.0.1:8088", "--field", "city",
                        "--output", "-")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('servers: ["https://web:8443"]', done.stdout)
        self.assertIn("{path: /setCity, set: {city: city}, redirect: /}", done.stdout)
        self.assertIn("X-Session-City: city", done.stdout)
        self.assertEqual(os.listdir(self.folder), [])

    def test_flags_offer_sign_in_https_and_redis(self):
        done = self.cli("init", "--sign-in", "--redis", "redis://store:6379/2", "--certificate", "tls.crt", "--key", "tls.key")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("X-Session-Set: user=NAME", done.stdout)
        text = (self.folder / "keepsake.yaml").read_text()
        self.assertIn('- address: "0.0.0.0:8443"\n    tls: {certificate: "tls.crt", key: "tls.key"}', text)
        self.assertIn("require: [user], else: /login", text)
        self.assertIn('redis: {url: "redis://store:6379/2"}', text)
        checked = self.cli("check")
        self.assertEqual(checked.returncode, 2)
        self.assertRegex(checked.stderr, r"\A(.*listen\[0\]\.tls\.\S+: the file tls\.\w+ cannot be read: .*\n){2}\Z")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-keyout", "tls.key", "-out", "tls.crt"],
                       cwd=self.folder, check=True, capture_output=True)
        checked = self.cli("check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertNotIn("warning", checked.stderr)
        self.assertIn("would listen on https://0.0.0.0:8443\n", checked.stdout)

    def test_a_certificate_and_its_key_come_together(self):
        self.fails(2, "--certificate requires --key", "init", "--certificate", "tls.crt")
        self.fails(2, "session.redis.url: expected redis://", "init", "--redis", "http://store")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_file_that_is_there_stays_unless_it_is_forced(self):
        self.write("# mine\n")
        self.fails(1, r"keepsake\.yaml: is there already; --force replaces it", "init")
        self.assertEqual((self.folder / "keepsake.yaml").read_text(), "# mine\n")
        self.assertEqual(self.cli("init", "--force").returncode, 0)
        self.assertNotIn("mine", (self.folder / "keepsake.yaml").read_text())

    def test_what_is_no_answer_is_refused_and_nothing_is_written(self):
        self.fails(2, "is no server", "init", "--backend", "ftp://web")
        self.fails(2, "listen", "init", "--listen", "nowhere")
        self.fails(2, "becomes the name of a header", "init", "--field", "two words")
        self.assertEqual(os.listdir(self.folder), [])

    def test_in_a_terminal_it_asks_three_questions(self):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([BIN, "init"], stdin=theirs, stdout=subprocess.PIPE, text=True, cwd=self.folder,
                                 env=environment())
        os.close(theirs)
        os.write(ours, b"http://web:5000\n\ncolour\n")
        said, _ = child.communicate(timeout=20)
        os.close(ours)
        self.assertEqual(child.returncode, 0)
        self.assertEqual(said.count("?"), 3)
        text = (self.folder / "keepsake.yaml").read_text()
        self.assertIn("http://web:5000", text)
        self.assertIn("0.0.0.0:8080", text)
        self.assertIn("X-Session-Colour: colour", text)

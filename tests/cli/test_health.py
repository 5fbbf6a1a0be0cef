import re
import socket
import threading
import unittest

from support import TestCase, free_port, plain


class Health(TestCase):
    def test_a_good_answer_exits_with_0(self):
        backend = self.backend()
        for path in ("", "/", "/any?x=1", "/204"):
            with self.subTest(path=path):
                done = self.cli("health", f"http://127.0.0.1:{backend.port}{path}")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_name_is_resolved_and_every_address_of_it_tried(self):
        self.assertEqual(self.cli("health", f"http://localhost:{self.backend().port}/").returncode, 0)

    def test_any_other_answer_exits_with_1_and_says_which(self):
        backend = self.backend()
        self.fails(1, r"keepsake: http://\S+/503 answers 503 Service Unavailable\n", "health",
                   f"http://127.0.0.1:{backend.port}/503")

    def test_a_redirect_is_not_followed(self):
        keepsake = self.start(plain(backend=self.backend().port))
        self.fails(1, "answers 303", "health", f"http://127.0.0.1:{keepsake.port}/reset")

    def test_nobody_there(self):
        self.fails(1, "cannot connect: Connection refused", "health", f"http://127.0.0.1:{free_port()}/")

    def test_a_name_that_does_not_exist(self):
        self.fails(1, "cannot connect: ", "health", "http://nobody.invalid/", "--timeout", "15s")

    def test_a_server_that_says_nothing_is_given_up(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            self.fails(1, "no answer in time", "health", f"http://127.0.0.1:{silent.getsockname()[1]}/", "--timeout", "50ms")

    def test_what_is_no_http(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            def greet():
                link, _ = other.accept()
                link.sendall(b"220 mail ready\r\n")
                link.close()

            threading.Thread(target=greet, daemon=True).start()
            self.fails(1, "no HTTP answer: ", "health", f"http://127.0.0.1:{other.getsockname()[1]}/")

    def test_a_wrong_url_exits_with_2_and_says_what_was_expected(self):
        for url, expected in {
            "127.0.0.1:8080": r"expected for example http://127\.0\.0\.1:8080/healthz",
            "https://127.0.0.1/": "speaks plain http only",
            "http://user:pw@127.0.0.1/": "has a user or password",
            "http://": "is no URL",
            "http://a b/": "is no URL",
        }.items():
            with self.subTest(url=url):
                self.fails(2, expected, "health", url)
        self.fails(2, re.escape("--timeout 5 is no duration, as in 5s"), "health", "http://127.0.0.1/", "--timeout", "5")

    def test_a_unix_socket(self):
        path = f"{self.folder}/admin.sock"
        self.start(plain(more=f'admin: {{address: "unix:{path}"}}\n'))
        self.assertEqual(self.cli("health", "http://localhost/healthz", "--unix-socket", path).returncode, 0)
        self.fails(1, "answers 404", "health", "http://localhost/x", "--unix-socket", path)
        self.fails(1, "cannot connect: No such file", "health", "http://localhost/", "--unix-socket", path + "x")


if __name__ == "__main__":
    unittest.main()

import signal

from support import BIN, Running, TestCase, environment, request, set_name


class Demo(TestCase):
    def start_demo(self, *arguments):
        demo = Running([BIN, "run", "--demo", "--listen", "127.0.0.1:0", *arguments], cwd=self.folder,
                       env=environment(SESSION_KEY=None))
        self.addCleanup(demo.kill)
        return demo, int(demo.said(r"(?m)^http://127\.0\.0\.1:(\d+)/$")[1])

    def test_it_needs_no_file_and_no_secret_and_says_what_it_is(self):
        demo, port = self.start_demo()
        demo.said(r"a demo\. Its service is inside of this process, its key is forgotten at the end")
        cookie = set_name(port, "Zo%C3%AB")
        self.assertIn("Zoë", request(port, "/", headers={"Cookie": cookie}).body)
        first = request(port, "/counter")
        self.assertIn("2", request(port, "/counter", headers={"Cookie": first.cookie()}).body)
        demo.signal(signal.SIGHUP)
        demo.said("a demo has no file to read again")
        demo.signal(signal.SIGTERM)
        self.assertEqual(demo.ends(), 0)

    def test_it_shows_where_to_look_and_what_comes_next_and_nothing_else(self):
        demo = Running([BIN, "run", "--demo", "--listen", "0.0.0.0:0"], cwd=self.folder, env=environment(SESSION_KEY=None))
        self.addCleanup(demo.kill)
        demo.said("(?m)^next: keepsake init$")
        self.assertRegex(demo.text, r"(?m)^http://127\.0\.0\.1:\d+/$")
        self.assertNotRegex(demo.text, "(?i)warn|listening")

    def test_a_cookie_of_one_demo_is_nothing_to_the_next(self):
        _, port = self.start_demo()
        cookie = set_name(port, "Zo")
        _, other = self.start_demo()
        self.assertNotIn("Zo", request(other, "/", headers={"Cookie": cookie}).body)

    def test_a_demo_goes_by_no_file(self):
        self.fails(2, "--demo", "run", "--demo", "--config", "keepsake.yaml")
        self.fails(2, r"listen\[0\]\.address", "run", "--demo", "--listen", "nowhere")

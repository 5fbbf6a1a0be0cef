import json
import os
import pty
import re
import resource
import select
import signal
import subprocess
import unittest

import names
from support import BIN, TestCase, environment, free_port, plain, request, set_name, until


class Start(TestCase):
    def test_the_log_says_what_it_does(self):
        app = self.backend()
        keepsake = self.start(plain(backend=app.port))
        for line in (r"info +keepsake \d+\.\d+\.\d+ runs by \S+/keepsake\.yaml",
                     rf"info +listening on http://127\.0\.0\.1:{keepsake.port}\n",
                     rf"info +forwarding to app: http://127\.0\.0\.1:{app.port}\n",
                     r'info +sessions: sealed cookie "session", gone after 1d without a visit or 31d in all; '
                     r"key [0-9a-f]{8} \(env SESSION_KEY\)\n",
                     r"warn\w* +session\.cookie\.secure: auto means never here"):
            keepsake.said(line)

    def test_with_json_every_line_of_a_start_is_an_object(self):
        text = plain(more="log: {format: json, access: false}\n").replace("log: {access: false}\n", "", 1)
        keepsake = self.start(text.replace("SESSION_KEY}]", "SESSION_KEY}], max_value: 4000B"))
        keepsake.said("max_value: hardly fits")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        levels = {json.loads(line)["level"] for line in keepsake.text.splitlines()}
        self.assertLessEqual({"info", "warning"}, levels)

    def test_a_terminal_gets_a_few_lines_for_a_person(self):
        reader, writer = pty.openpty()
        self.addCleanup(os.close, reader)
        child = subprocess.Popen([BIN, "run", "--config", self.write(plain())], env=environment(), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=writer)
        os.close(writer)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        text = ""
        def look():
            nonlocal text
            if select.select([reader], [], [], 0.1)[0]:
                text += os.read(reader, 4096).decode()
            return "auto means never here" in text
        until("the warning", look)
        self.assertRegex(text, r"\AKeepsake \d+\.\d+\.\d+\r\n  listens    http://127\.0\.0\.1:\d+\r\n"
                               r"  forwards   app: http://127\.0\.0\.1:1\r\n  sessions   sealed cookie ")

    def test_a_backend_that_is_down_is_502_until_it_comes(self):
        port = free_port()
        keepsake = self.start(plain(backend=port))
        cookie = set_name(keepsake.port, "Ann")
        self.assertEqual(request(keepsake.port, "/").status, 502)
        self.backend(port)
        answer = until("it recovers", lambda: recovered(keepsake.port, cookie))
        self.assertEqual(answer.body, "Ann")

    def test_a_backend_whose_name_does_not_resolve_is_no_reason_not_to_start(self):
        keepsake = self.start(plain().replace("http://127.0.0.1:1", "http://nobody.invalid:80"))
        self.assertIn(request(keepsake.port, "/").status, (502, 503))
        self.assertEqual(request(keepsake.port, "/reset").status, 303)

    @names.needs_compiler
    def test_silent_name_servers_hold_up_neither_start_nor_end(self):
        text = plain().replace("http://127.0.0.1:1", "http://app.example:80")
        keepsake = self.start(text, **names.preload(self.folder))
        self.assertEqual(request(keepsake.port, "/reset").status, 303)
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(10), 0)

    def test_a_garbage_cookie_is_an_anonymous_visitor(self):
        keepsake = self.start(plain(backend=self.backend().port))
        for cookie in ("session=", "session=%00", 'session="x"', "session=" + "A" * 3000, "=", ";;;", "session"):
            with self.subTest(cookie=cookie):
                answer = request(keepsake.port, "/", headers={"Cookie": cookie})
                self.assertEqual((answer.status, answer.body), (200, "nobody"))


def recovered(port, cookie):
    answer = request(port, "/", headers={"Cookie": cookie})
    return answer if answer.status == 200 else None


class Process(TestCase):
    def limits(self, keepsake):
        with open(f"/proc/{keepsake.child.pid}/limits") as file:
            return {line[:26].strip(): line[26:].split()[:2] for line in file}

    def test_it_leaves_no_core_file_behind(self):
        keepsake = self.start(plain())
        self.assertEqual(self.limits(keepsake)["Max core file size"], ["0", "0"])

    def test_there_are_as_many_workers_as_cores_that_it_may_use(self):
        mine = sorted(os.sched_getaffinity(0))
        for cores in {1, len(mine)}:
            with self.subTest(cores=cores):
                keepsake = self.start(plain(more="admin: {address: 127.0.0.1:0}\n"),
                                      preexec_fn=lambda cores=cores: os.sched_setaffinity(0, mine[:cores]))
                text = request(keepsake.admin, "/metrics").body
                workers = int(re.search(r"^keepsake_workers (\d+)$", text, re.M)[1])
                self.assertLessEqual(workers, cores)  # a quota of the control group may allow fewer
                self.assertGreaterEqual(workers, 1)

    def test_the_descriptor_limit_is_raised_to_what_is_needed(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 4096:
            self.skipTest("the hard limit is too low")
        keepsake = self.start(plain(more="limits: {connections: 1000}\nworkers: 1\n"),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        self.assertGreaterEqual(int(self.limits(keepsake)["Max open files"][0]), 2000)
        self.assertNotIn("is lowered to", keepsake.text)

    def test_what_the_hard_limit_cannot_carry_is_lowered_with_a_warning(self):
        keepsake = self.start(plain(more="admin: {address: 127.0.0.1:0}\n"),
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512)))
        keepsake.said(r"warn\w* +limits\.connections: 10000 is lowered to \d+: .* hard limit is 512")
        self.assertEqual(self.limits(keepsake)["Max open files"][0], "512")
        self.assertRegex(request(keepsake.admin, "/config").body, r"(?m)^  connections: \d{1,3}$")

    def test_a_reader_of_the_log_that_goes_away_does_not_end_it(self):
        reader, writer = os.pipe()
        text = plain(backend=self.backend().port).replace("access: false", "access: true")
        port = free_port()
        child = subprocess.Popen([BIN, "run", "--config", self.write(text.replace(":0}", f":{port}}}"))],
                                 env=environment(), stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.close(writer)
        until("it listens", lambda: b"sessions: " in os.read(reader, 65536))
        os.close(reader)
        for _ in range(20):
            self.assertEqual(request(port, "/").status, 200)
        self.assertIsNone(child.poll())


if __name__ == "__main__":
    unittest.main()

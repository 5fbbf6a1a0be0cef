"""Log files, their rotation, and what of log: a reload changes."""

import os
import pathlib
import re
import signal

from support import free_port, request
from support_life import LifeCase, at, listening, until


def logging(text, log):
    return text.replace("log: {access: false}", f"log: {log}")


class Files(LifeCase):
    def setUp(self):
        super().setUp()
        self.log, self.access = self.folder / "keepsake.log", self.folder / "access.log"
        self.port = free_port()
        self.text = listening(at(self.port), backend=self.demo_backend(), more="admin: {address: 127.0.0.1:%d}\n" % free_port())
        self.both = f"{{file: {self.log}, access_file: {self.access}}}"

    def begin(self, log):
        """The program, whose standard error may stay empty."""
        from support import Running, environment, BIN
        keepsake = Running([BIN, "run", "--config", self.write(logging(self.text, log))], env=environment())
        self.addCleanup(keepsake.kill)
        until("it listens", lambda: self.log.exists() and "sessions: " in self.log.read_text())
        return keepsake

    def reload(self, keepsake, log, expected):
        before = self.log.stat().st_size
        (self.folder / "keepsake.yaml").write_text(logging(self.text, log))
        keepsake.signal(signal.SIGHUP)
        until(expected, lambda: re.search(expected, self.log.read_bytes()[before:].decode()))
        return self.log.read_bytes()[before:].decode()

    def lines(self, file, path):
        return until(f"{path} is in {file}", lambda: file.exists() and path in file.read_text()) and file.read_text()

    def test_both_are_written_and_nothing_elsewhere(self):
        keepsake = self.begin(self.both)
        self.answers(self.port, "/healthz?one")
        self.lines(self.access, "GET /healthz?one ")
        self.assertIn(f"listening on http://127.0.0.1:{self.port}", self.log.read_text())
        self.assertEqual(self.log.stat().st_mode & 0o777, 0o640 & ~os.umask(os.umask(0)))
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        self.assertIn("stopped", self.log.read_text())
        self.assertEqual(keepsake.text, "")

    def test_what_is_worth_a_look_at_start_is_in_the_log_and_nowhere_else(self):
        self.text = self.text.replace("SESSION_KEY}]", "SESSION_KEY}], max_value: 4000B")
        keepsake = self.begin(self.both)
        self.lines(self.log, "session.max_value: hardly fits")
        self.assertEqual(keepsake.text, "")

    def test_sigusr1_opens_them_anew_after_a_rename(self):
        keepsake = self.begin(self.both)
        self.answers(self.port, "/healthz?before")
        self.log.rename(self.folder / "keepsake.log.1")
        self.access.rename(self.folder / "access.log.1")
        keepsake.signal(signal.SIGUSR1)
        self.lines(self.log, "log files opened anew")
        self.answers(self.port, "/healthz?after")
        self.lines(self.access, "/healthz?after")
        old = (self.folder / "access.log.1").read_text()
        self.assertIn("/healthz?before", old)
        self.assertNotIn("/healthz?after", old)
        self.assertNotIn("opened anew", (self.folder / "keepsake.log.1").read_text())

    def test_sigusr1_keeps_what_it_cannot_open_anew(self):
        keepsake = self.begin(self.both)
        self.access.unlink()
        self.access.mkdir()
        keepsake.signal(signal.SIGUSR1)
        self.lines(self.log, "the log files stay as they are: log.access_file: cannot write to ")
        self.answers(self.port)

    def test_one_that_cannot_be_written_ends_a_start_and_refuses_a_reload(self):
        for key in ("file", "access_file"):
            wrong = f"{{{key}: {self.folder}/no/such.log}}"
            self.fails(2, rf"keepsake\.yaml: log\.{key}: cannot write to \S+/no/such\.log: No such file", "run", "--config",
                       self.write(logging(self.text, wrong)))
        keepsake = self.begin(self.both)
        said = self.reload(keepsake, self.both.replace("access.log", "no/such.log"), "reload refused")
        self.assertRegex(said, r"reload: .*log\.access_file: cannot write to ")
        self.answers(self.port, "/healthz?still")
        self.lines(self.access, "/healthz?still")

    def test_a_reload_moves_them(self):
        keepsake = self.begin(self.both)
        elsewhere = self.folder / "elsewhere.log"
        (self.folder / "keepsake.yaml").write_text(logging(self.text, f"{{file: {elsewhere}}}"))
        keepsake.signal(signal.SIGHUP)
        self.lines(elsewhere, "reloaded ")
        before = self.access.read_text()
        self.answers(self.port)
        (self.folder / "keepsake.yaml").write_text(logging(self.text, "{access: false}"))
        keepsake.signal(signal.SIGHUP)
        keepsake.said("reloaded ")
        self.assertEqual(self.access.read_text(), before)

    def test_the_level_follows_the_file_both_ways(self):
        keepsake = self.begin(self.both)
        self.reload(keepsake, self.both.replace("{", "{level: debug, "), "reloaded")
        self.assertRegex(self.reload(keepsake, self.both, "reloaded"), " info +reloaded")
        size = self.log.stat().st_size
        (self.folder / "keepsake.yaml").write_text(logging(self.text, self.both.replace("{", "{level: error, ")))
        keepsake.signal(signal.SIGHUP)
        admin = int(re.search(r"admin: \{address: 127\.0\.0\.1:(\d+)", self.text)[1])
        until("it was taken", lambda: "reloads: 3 done" in request(admin, "/readyz?verbose").body)
        self.assertEqual(self.log.stat().st_size, size)


class Dumps(LifeCase):
    def test_there_is_no_core_dump_and_no_debugger_of_the_same_user(self):
        keepsake = self.start(listening(at(free_port()), backend=1))
        proc = pathlib.Path(f"/proc/{keepsake.child.pid}")
        self.assertRegex((proc / "limits").read_text(), r"Max core file size +0 +0 ")
        # What is not dumpable belongs to root, whoever runs it, and only root may look into it.
        self.assertEqual((proc / "environ").stat().st_uid, 0)
        keepsake.signal(signal.SIGABRT)
        self.assertEqual(keepsake.ends(), -signal.SIGABRT)
        self.assertEqual(list(self.folder.glob("core*")), [])

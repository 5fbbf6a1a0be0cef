"""SIGUSR2: a newer program takes over the listening sockets, and no connection is lost."""

import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import time

from load import Load
from support import free_port, request
from support_life import BIN, LifeCase, ask, at, children, ended, gone, kept, listening, sockets_of, until


class Upgrade(LifeCase):
    def setUp(self):
        super().setUp()
        # The program at a path of its own, which the tests replace.
        self.program = self.folder / "keepsake"
        self.successors = []

    def end_successors(self):
        for pid in self.successors:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def begin(self, text):
        import support
        os.link(BIN, self.program) if os.stat(BIN).st_dev == os.stat(self.folder).st_dev else shutil.copy2(BIN, self.program)
        before, support.BIN = support.BIN, self.program
        try:
            keepsake = self.start(text)
            self.addCleanup(self.end_successors)  # they hold its standard error
            return keepsake
        finally:
            support.BIN = before

    def replace(self, content=None):
        """The file at the path becomes another one: the same program, or what a test wants."""
        new = self.folder / "new"
        if content is None:
            shutil.copy2(BIN, new)
        else:
            new.write_text(content)
            new.chmod(new.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        os.replace(new, self.program)

    def upgrade(self, keepsake, pid=None):
        """The process id of the successor."""
        since = len(keepsake.text)
        os.kill(pid or keepsake.child.pid, signal.SIGUSR2)
        successor = int(until("it serves", lambda: re.search(r"upgrade: process (\d+) serves", keepsake.text[since:]))[1])
        self.successors.append(successor)
        return successor

    def test_under_load_no_request_is_lost(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.begin(listening(at(port), backend=backend, more="workers: 2\ntimeouts: {drain: 8s}\n"))
        before = sockets_of(port)
        load = Load(port)
        self.addCleanup(load.kill)
        pid = keepsake.child.pid
        for _ in range(4):
            time.sleep(1)
            self.replace()
            successor = self.upgrade(keepsake, pid)
            until("the old one is gone", lambda pid=pid: gone(pid))
            pid = successor
        time.sleep(0.5)
        result = load.stop()
        rate = result["answered"] / result["seconds"]
        print(f"     4 upgrades within {result['seconds']:.1f} s, {result['answered']} answers, {rate:.0f}/s, "
              f"{result['went_over']} connections went over", flush=True)
        self.assertEqual(result["lost"], [])
        self.assertGreater(result["went_over"], 4)
        self.assertGreater(result["answered"], 500)
        self.assertEqual(sockets_of(port), before)
        self.assertEqual(ended(keepsake), 0)
        os.kill(pid, signal.SIGTERM)
        until("the last one ends", lambda: gone(pid))

    def test_a_kept_connection_is_told_to_come_back_and_a_busy_one_finishes(self):
        app, port, admin = self.backend(), free_port(), free_port()
        keepsake = self.begin(listening(at(port), backend=app.port, more=f"admin: {{address: 127.0.0.1:{admin}}}\n"))
        idle, busy = kept(port), kept(port)
        busy.request("GET", "/wait")
        self.assertTrue(app.waiting.wait(20))
        successor = self.upgrade(keepsake)
        self.answers(port)
        self.assertEqual(request(admin, "/readyz").body, "ready\n")
        self.assertEqual(ask(idle), (200, False))
        app.go.set()
        answer = busy.getresponse()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
        answer.read()
        self.assertEqual(ended(keepsake), 0)
        self.assertFalse(gone(successor))
        self.answers(port)
        idle.close()
        busy.close()

    def test_a_successor_that_fails_leaves_everything_as_it_was(self):
        backend, port = self.demo_backend(), free_port()
        good = listening(at(port), backend=backend)
        keepsake = self.begin(good)
        link = kept(port)
        file = self.folder / "keepsake.yaml"

        def refused(why):
            since = len(keepsake.text)
            keepsake.signal(signal.SIGUSR2)
            keepsake.said(r"error +upgrade: the new process does not (serve|start), this one goes on: .*" + why, since)
            self.assertEqual(ask(link), (200, True))
            self.answers(port)
            self.assertEqual(children(keepsake.child.pid), [])

        file.write_text(good + "nonsense: 1\n")
        refused(r"keepsake\.yaml:\d+:1: nonsense: ")
        other = socket.socket()
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        file.write_text(listening(at(port), at(taken), backend=backend))
        refused(rf"listen: cannot listen on 127\.0\.0\.1:{taken}: the address is in use")
        other.close()
        file.write_text(good)
        self.replace("#!/bin/sh\nexit 7\n")
        refused("it ended with exit code 7")
        self.replace("no program at all")
        refused("Exec format error|exit code 127")
        self.program.unlink()
        refused("No such file")
        self.replace()
        self.upgrade(keepsake)
        self.answers(port)
        self.assertEqual(ask(link), (200, False))
        self.assertEqual(ended(keepsake), 0)
        link.close()

    def test_what_the_new_configuration_changes_is_changed(self):
        backend, port, extra = self.demo_backend(), free_port(), free_port()
        keepsake = self.begin(listening(at(port), backend=backend, more="workers: 2\n"))
        before = sockets_of(port)
        (self.folder / "keepsake.yaml").write_text(listening(at(extra), at(port), backend=backend, more="workers: 3\n"))
        successor = self.upgrade(keepsake)
        self.assertEqual(ended(keepsake), 0)
        # Two sockets for three workers: one is shared, and all of them are accepted from.
        self.assertEqual(sockets_of(port), before)
        for _ in range(20):
            self.answers(port)
        self.answers(extra)
        (self.folder / "keepsake.yaml").write_text(listening(at(port), backend=backend, more="workers: 1\n"))
        third = self.upgrade(keepsake, successor)
        until("the second is gone", lambda: gone(successor))
        self.assertEqual(sockets_of(port), before)
        for _ in range(20):
            self.answers(port)
        self.assertIn(f"a listening socket at 127.0.0.1:{extra} was passed and is not in the configuration", keepsake.text)
        self.assertFalse(gone(third))

    def test_the_end_of_the_old_one_has_a_limit(self):
        app, port = self.backend(), free_port()
        keepsake = self.begin(listening(at(port), backend=app.port, more="timeouts: {drain: 300ms}\n"))
        link = kept(port)
        link.request("GET", "/wait")
        self.assertTrue(app.waiting.wait(20))
        self.upgrade(keepsake)
        self.assertEqual(ended(keepsake), 0)
        self.assertIn("the drain is over: cutting 1 connections", keepsake.text)
        link.close()

    def test_an_environment_that_was_copied_is_not_believed(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend), KEEPSAKE_SOCKETS="0,1,2,7", KEEPSAKE_CHANNEL="8",
                              KEEPSAKE_PARENT="1")
        self.answers(port)
        self.assertNotIn("was passed", keepsake.text)
        self.assertTrue(pathlib.Path(f"/proc/{keepsake.child.pid}").exists())

"""keepsake top, in a pipe and in a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest

from eyes import EyesTest
from support import BIN, PATIENCE, Service, free_port, request, set_name


class TopTest(EyesTest):
    def setUp(self):
        super().setUp()
        self.serve()
        self.url = f"http://127.0.0.1:{self.keepsake.admin}"


class Once(TopTest):
    def test_prints_one_frame_of_80_by_24(self):
        stop = threading.Event()

        def visit():
            cookie = set_name(self.keepsake.port, "Ann")
            while not stop.is_set():
                request(self.keepsake.port, "/", headers={"Cookie": cookie})
                request(self.keepsake.port, "/503")
        visitor = threading.Thread(target=visit)
        visitor.start()
        done = self.cli("top", "--once", "--interval", "500ms", self.url)
        stop.set()
        visitor.join()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), 24)
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertNotIn("\x1b", done.stdout)
        text = done.stdout
        self.assertRegex(lines[0], rf"\Akeepsake \d+\.\d+\.\d+  {re.escape(self.url)}  up ")
        self.assertGreater(float(re.search(r"requests +([\d.]+)/s", text)[1]), 1)
        self.assertGreater(float(re.search(r"opened ([\d.]+)/s", text)[1]), 1)
        self.assertGreater(float(re.search(r"5xx ([\d.]+) %", text)[1]), 1)
        self.assertRegex(text, r"latency +p50 [\d.]+ (us|ms)  p90 [\d.]+ (us|ms|s)  p99 ")
        self.assertRegex(text, r"(?m)^/\* +[\d.]+ +0 +[\d.]+")
        self.assertRegex(text, r"process +cpu \d+ %  memory [\d.]+ MiB")

    def test_without_once_a_pipe_gets_one_frame_too(self):
        self.assertEqual(self.cli("top", "--interval", "100ms", self.url).stdout.count("keepsake "), 1)

    def test_says_what_is_wrong(self):
        self.fails(2, r"is no URL", "top", "nonsense")
        self.fails(2, r"plain http only", "top", "https://127.0.0.1/")
        self.fails(2, r"--interval x is not", "top", "--interval", "x", self.url)
        self.fails(1, r"cannot connect", "top", f"http://127.0.0.1:{free_port()}")
        self.fails(1, r"answers 404", "top", self.url + "/nothing")
        self.fails(1, r"shows no metrics of a keepsake", "top", self.url + "/healthz")
        self.fails(1, r"shows no metrics of a keepsake|answers", "top", f"http://127.0.0.1:{self.app.port}")

    def test_shows_http2_the_store_and_require_where_there_are_any(self):
        class Counting(Service):
            looks = 0

            def answer(self, request):
                self.looks += 1
                request.say(b"".join(b"%s %d\n" % (name, 1000 * self.looks) for name in (
                    b'keepsake_build_info{version="0"}', b"keepsake_http2_connections_total", b"keepsake_store_reads_total",
                    b'keepsake_store_trouble_total{cause="silent"}',
                    b'keepsake_require_denied_total{reason="anonymous",route="/a"}',
                    b'keepsake_require_denied_total{reason="anonymous",route="/b"}')))

        counting = Counting()
        self.addCleanup(counting.close)
        shown = self.cli("top", "--once", "--interval", "100ms", f"http://127.0.0.1:{counting.port}").stdout
        self.assertRegex(shown, "(?m)^http/2 ")
        self.assertRegex(shown, r"(?m)^store +reads [\d.]+/s .* silent [\d.]+$")
        self.assertRegex(shown, r"(?m)^require +denied [\d.]+/s  anonymous [\d.]+$")
        self.assertNotRegex(self.cli("top", "--once", "--interval", "100ms", self.url).stdout, "(?m)^(http/2|store|require) ")

    def test_what_a_server_says_moves_no_cursor(self):
        class Evil(Service):
            def answer(self, request):
                request.say(b'keepsake_build_info{version="\x1b[2J\x07"} 1\n'
                            b'keepsake_requests_total{route="/\x1b]0;x\x07' + b"x" * 500 + b'",status="2xx"} 5\n'
                            b'keepsake_requests_total{route="open\n' b'x{} nan\n' + b"}" * 100 + b"\n")

        evil = Evil()
        self.addCleanup(evil.close)
        done = self.cli("top", "--once", "--interval", "100ms", f"http://127.0.0.1:{evil.port}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\A[\n\x20-\x7e]*\Z")
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)


class Live(TopTest):
    def begin(self, rows=24, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.child = subprocess.Popen([BIN, "top", "--interval", "100ms", self.url], stdin=slave, stdout=slave,
                                      stderr=slave, start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.slave = slave
        self.addCleanup(os.close, self.master)
        self.addCleanup(os.close, slave)
        self.addCleanup(self.child.wait)
        self.addCleanup(self.child.kill)
        self.shown = b""

    def read_until(self, what, times=1):
        end = time.monotonic() + PATIENCE
        while self.shown.count(what) < times:
            self.assertGreater(end, time.monotonic(), self.shown)
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 65536)

    def ends_well(self):
        self.read_until(b"\x1b[?1049l")
        self.assertEqual(self.child.wait(PATIENCE), 0)
        self.assertTrue(self.shown.endswith(b"\x1b[?25h\x1b[?1049l"))
        self.assertEqual(termios.tcgetattr(self.slave), self.before)

    def test_is_redrawn_until_q(self):
        self.begin()
        self.read_until(b"\x1b[H", 3)
        os.write(self.master, b"x")
        self.read_until(b"\x1b[H", 5)
        os.write(self.master, b"q")
        self.ends_well()

    def test_control_c_leaves_the_terminal_as_it_was(self):
        self.begin()
        self.read_until(b"\x1b[H", 2)
        os.write(self.master, b"\x03")
        self.ends_well()

    def test_fits_the_window(self):
        self.begin(10, 40)
        self.read_until(b"\x1b[H", 2)
        os.write(self.master, b"q")
        self.ends_well()
        frame = self.shown.split(b"\x1b[H")[1].split(b"\x1b[J")[0]
        lines = re.split(rb"\r*\n", re.sub(rb"\x1b\[\d*[a-zA-Z]", b"", frame))
        self.assertLessEqual(len(lines), 10)
        self.assertLessEqual(max(map(len, lines)), 40)

    def test_says_that_the_other_side_is_gone_and_goes_on(self):
        self.begin()
        self.read_until(b"\x1b[H", 2)
        self.keepsake.signal(signal.SIGKILL)
        self.read_until(b"cannot connect")
        os.write(self.master, b"q")
        self.ends_well()


if __name__ == "__main__":
    unittest.main()

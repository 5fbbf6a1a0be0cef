"""What a service manager is told and what it passes: sd_notify, the watchdog, socket activation, the unit itself."""

import ctypes
import os
import pathlib

import shutil
import signal
import socket
import subprocess
import time

from support import ROOT, SECRET, Running, environment, free_port, request
from support_life import BIN, PATIENCE, LifeCase, at, ended, listening, refuses, sockets_of, until


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(address)
        self.heard = []  # (process id, {name: value})

    def hear(self, wait=0.01):
        """One more message, or None."""
        self.socket.settimeout(wait)
        try:
            data, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        except TimeoutError:
            return None
        pid = int.from_bytes(control[0][2][:4], "little")
        self.heard.append((pid, dict(line.split("=", 1) for line in data.decode().split("\n"))))
        return self.heard[-1]

    def until(self, name, value=None, since=0):
        """The first message from `since` on that has it, and who sent it."""
        def look():
            self.hear()
            return next((message for message in self.heard[since:]
                         if name in message[1] and value in (None, message[1][name])), None)
        return until(f"{name}={value} is said", look)


class Notify(LifeCase):
    def manager(self, abstract=False):
        path = str(self.folder / "notify")
        manager = Manager("\0" + path if abstract else path)
        self.addCleanup(manager.socket.close)
        return manager, ("@" if abstract else "") + path

    def test_start_reload_and_stop_are_told(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract):
                manager, address = self.manager(abstract)
                backend, port = self.demo_backend(), free_port()
                text = listening(at(port), backend=backend)
                keepsake = self.start(text, NOTIFY_SOCKET=address)
                pid, ready = manager.until("READY", "1")
                self.assertEqual(pid, keepsake.child.pid)
                self.assertRegex(ready["STATUS"], r"^serving by \S+keepsake\.yaml$")
                self.assertNotIn("WATCHDOG", str(manager.heard))
                before = len(manager.heard)
                began = time.clock_gettime(time.CLOCK_MONOTONIC)
                keepsake.reload(text, "reloaded")
                _, reloading = manager.until("RELOADING", "1", before)
                self.assertGreaterEqual(int(reloading["MONOTONIC_USEC"]), began * 1e6)
                self.assertLessEqual(int(reloading["MONOTONIC_USEC"]), time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6)
                manager.until("READY", "1", before + 1)
                before = len(manager.heard)
                keepsake.reload(text + "nonsense: 1\n", "reload refused")
                manager.until("RELOADING", "1", before)
                _, ready = manager.until("READY", "1", before + 1)
                self.assertRegex(ready["STATUS"], "^the last reload was refused: .*nonsense")
                keepsake.signal(signal.SIGTERM)
                _, stopping = manager.until("STOPPING", "1")
                self.assertEqual(stopping["STATUS"], "draining")
                self.assertEqual(keepsake.ends(), 0)

    def test_a_socket_that_is_not_there_does_no_harm(self):
        for wrong in ("/no/such/socket", "relative", "@", "", "/" + "x" * 300):
            keepsake = self.start(listening(at(free_port()), backend=1), NOTIFY_SOCKET=wrong)
            keepsake.signal(signal.SIGTERM)
            self.assertEqual(keepsake.ends(), 0)

    def test_signs_of_life_come_twice_a_period_at_least_and_stop_with_a_single_stuck_worker(self):
        manager, address = self.manager()
        keepsake = self.start(listening(at(free_port()), backend=1, more="workers: 3\n"), NOTIFY_SOCKET=address,
                              WATCHDOG_USEC="1000000")
        manager.until("READY", "1")
        stamps = []
        for _ in range(6):
            manager.until("WATCHDOG", "1", len(manager.heard))
            stamps.append(time.monotonic())
        self.assertLess(max(b - a for a, b in zip(stamps, stamps[1:])), 0.9)
        with stopped_thread(self, keepsake.child.pid):
            until("nothing is said any more", lambda: manager.hear(1.2) is None)
            self.assertIsNone(manager.hear(1.2))
        manager.until("WATCHDOG", "1", len(manager.heard))

    def test_a_watchdog_of_somebody_else_is_not_fed(self):
        manager, address = self.manager()
        self.start(listening(at(free_port()), backend=1), NOTIFY_SOCKET=address, WATCHDOG_USEC="100000", WATCHDOG_PID="1")
        manager.until("READY", "1")
        self.assertIsNone(manager.hear(0.5))

    def test_an_upgrade_tells_who_the_service_is_now(self):
        manager, address = self.manager()
        port = free_port()
        keepsake = self.start(listening(at(port), backend=self.demo_backend()), NOTIFY_SOCKET=address,
                              WATCHDOG_USEC="2000000")
        manager.until("READY", "1")
        before = len(manager.heard)
        keepsake.signal(signal.SIGUSR2)
        sender, message = manager.until("MAINPID", since=before)
        successor = int(message["MAINPID"])
        self.addCleanup(os.kill, successor, signal.SIGKILL)
        self.assertEqual(sender, keepsake.child.pid)
        at_main = len(manager.heard)
        # What the successor says is heard only once it is the service.
        self.assertEqual([pid for pid, _ in manager.heard[:at_main] if pid == successor], [])
        sender, _ = manager.until("READY", "1", at_main)
        self.assertEqual(sender, successor)
        sender, _ = manager.until("WATCHDOG", "1", at_main)
        self.assertEqual(sender, successor)
        self.assertEqual(ended(keepsake), 0)
        self.assertEqual([m for pid, m in manager.heard[at_main:] if pid == keepsake.child.pid], [])


class stopped_thread:
    """One thread of a process, a worker's, that does not run: a debugger holds it."""

    def __init__(self, case, pid):
        self.case, self.libc = case, ctypes.CDLL(None, use_errno=True)
        tasks = sorted(pathlib.Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
        # Workers wait for events, as the main thread does, which is the first of all; others wait for other threads.
        waiting = [task for task in tasks[1:] if "ep" in (task / "wchan").read_text()]
        self.thread = int(waiting[0].name)

    def ptrace(self, request):
        # Seize 0x4206, interrupt 0x4207, detach 17.
        if self.libc.ptrace(request, self.thread, None, None) != 0:
            self.case.skipTest("no thread may be held here: " + os.strerror(ctypes.get_errno()))

    def __enter__(self):
        self.ptrace(0x4206)
        self.ptrace(0x4207)
        until("it is held", lambda: pathlib.Path(f"/proc/{self.thread}/stat").read_text().rpartition(")")[2].split()[0] == "t")

    def __exit__(self, *_):
        self.ptrace(17)


class Activation(LifeCase):
    def activated(self, text, listeners, names="web"):
        """`keepsake run` with these sockets from descriptor 3 on."""
        file = self.write(text)

        def place():
            high = [os.dup2(listener.fileno(), 200 + i) for i, listener in enumerate(listeners)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
            os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(listeners)), LISTEN_FDNAMES=names,
                              SESSION_KEY=SECRET)
            os.execv(BIN, [BIN, "run", "--config", file])
        keepsake = Running(["true"], preexec_fn=place, close_fds=False)
        self.addCleanup(keepsake.kill)
        keepsake.said("sessions: ")
        return keepsake

    def listener(self, address="127.0.0.1", family=socket.AF_INET):
        listener = socket.socket(family)
        self.addCleanup(listener.close)
        listener.bind((address, 0) if family == socket.AF_INET else address)
        listener.listen()
        return listener

    def test_a_passed_socket_is_used_by_every_worker_and_stays_open(self):
        backend, listener = self.demo_backend(), self.listener()
        port = listener.getsockname()[1]
        before = sockets_of(port)
        keepsake = self.activated(listening(at(port), backend=backend, more="workers: 2\n"), [listener])
        self.assertEqual(sockets_of(port), before)
        for _ in range(20):
            self.answers(port)
        keepsake.signal(signal.SIGHUP)
        keepsake.said("reloaded")
        self.assertEqual(sockets_of(port), before)
        self.answers(port)
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        self.assertFalse(refuses(port))

    def test_sockets_of_every_kind_find_their_addresses(self):
        backend = self.demo_backend()
        path = str(self.folder / "web.sock")
        web, unix, admin, stray = self.listener(), self.listener(path, socket.AF_UNIX), self.listener(), self.listener()
        port, admin_port = web.getsockname()[1], admin.getsockname()[1]
        own = free_port()
        keepsake = self.activated(
            listening(f"{{address: 'unix:{path}'}}", at(own), at(port), backend=backend,
                      more=f"admin: {{address: 127.0.0.1:{admin_port}}}\n"), [stray, admin, unix, web], "a:b:c:d")
        self.answers(port)
        self.answers(own)
        self.assertEqual(request(admin_port, "/readyz").status, 200)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(path)
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", link.recv(4096))
        keepsake.said(rf"warn.* a listening socket at 127\.0\.0\.1:{stray.getsockname()[1]} was passed and is not in the")
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)
        # systemd's file stays for the next start.
        self.assertTrue(pathlib.Path(path).is_socket())

    def test_what_is_no_listener_is_named(self):
        backend, port = self.demo_backend(), free_port()
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        keepsake = self.activated(listening(at(port), backend=backend), [datagrams])
        keepsake.said("1 of the descriptors that were passed are no listening stream sockets")
        self.answers(port)

    def test_sockets_for_another_process_are_not_touched(self):
        self.start(listening(at(free_port()), backend=1), LISTEN_FDS="1", LISTEN_PID="1")
        self.start(listening(at(free_port()), backend=1), LISTEN_FDS="1")

    def test_systemd_socket_activate(self):
        activate = shutil.which("systemd-socket-activate")
        if activate is None:
            self.skipTest("systemd is not installed")
        backend, port = self.demo_backend(), free_port()
        file = self.write(listening(at(port), backend=backend))
        keepsake = Running([activate, "-l", f"127.0.0.1:{port}", "-E", "SESSION_KEY", BIN, "run", "--config", file],
                           env=environment())
        self.addCleanup(keepsake.kill)
        until("it listens", lambda: not refuses(port))
        self.answers(port)
        keepsake.said(rf"listening on http://127\.0\.0\.1:{port}")
        self.assertEqual(len(sockets_of(port)), 1)


class Unit(LifeCase):
    FILE = ROOT / "deploy/keepsake.service"

    def test_systemd_understands_the_unit(self):
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            self.skipTest("systemd is not installed")
        folder = self.folder
        for name in ("keepsake.service", "keepsake.socket"):
            text = (ROOT / "deploy" / name).read_text().replace("/usr/bin/keepsake", str(BIN))
            (folder / name).write_text(text)
        done = subprocess.run([analyze, "verify", "--man=no", folder / "keepsake.service", folder / "keepsake.socket"],
                              capture_output=True, text=True, timeout=PATIENCE)
        said = "\n".join(line for line in done.stderr.splitlines() if str(folder) in line or line.startswith("keepsake."))
        self.assertEqual(said, "")

    def test_it_asks_for_what_keepsake_does(self):
        text = self.FILE.read_text()
        for line in ("Type=notify", "NotifyAccess=main", "TimeoutStopSec=40"):
            self.assertIn(line + "\n", text)
        self.assertRegex(text, r"(?m)^WatchdogSec=\d+$")
        self.assertRegex(text, r"(?m)^ExecReload=/bin/kill -HUP \$MAINPID$")

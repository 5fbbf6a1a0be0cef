"""A reload takes a whole new configuration, or nothing of it."""

import pathlib
import re
import signal
import socket
import time

from load import Load
from support import free_port, request, taken_port
from support_life import PATIENCE, LifeCase, ask, at, kept, listening, refuses, sockets_of, until

ADMIN = "admin: {address: 127.0.0.1:%d}\n"


class Listeners(LifeCase):
    def test_one_is_added_another_removed_and_its_connections_live_on(self):
        backend, first, second = self.demo_backend(), free_port(), free_port()
        keepsake = self.start(listening(at(first), backend=backend))
        link = kept(first)
        said = keepsake.reload(listening(at(second), backend=backend), "reloaded")
        self.assertIn(f"listening on http://127.0.0.1:{second}\n", said)
        self.answers(second)
        until("the old address refuses", lambda: refuses(first))
        self.assertEqual(ask(link), (200, True))
        self.assertEqual(sockets_of(first), set())
        keepsake.reload(listening(at(second), at(first), backend=backend), "reloaded")
        self.answers(first)
        self.answers(second)
        link.close()

    def test_one_that_stays_keeps_its_sockets(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(port), backend=backend, more="workers: 2\n"))
        before = sockets_of(port)
        self.assertEqual(len(before), 2)
        keepsake.reload(listening(at(free_port()), at(port), backend=backend, more="workers: 2\nlimits: {headers: 50}\n"),
                        "reloaded")
        self.assertEqual(sockets_of(port), before)

    def test_whoever_waits_at_one_that_goes_is_served(self):
        backend, first, second = self.demo_backend(), free_port(), free_port()
        keepsake = self.start(listening(at(first), backend=backend))
        keepsake.signal(signal.SIGSTOP)
        links = [socket.create_connection(("127.0.0.1", first), timeout=PATIENCE) for _ in range(50)]
        for link in links:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        (self.folder / "keepsake.yaml").write_text(listening(at(second), backend=backend))
        keepsake.signal(signal.SIGHUP)
        keepsake.signal(signal.SIGCONT)
        for link in links:
            self.assertIn(b"200 OK", link.recv(4096))
            link.close()
        until("it is closed", lambda: refuses(first))

    def test_the_same_port_at_more_addresses(self):
        backend, port = self.demo_backend(), free_port()
        one = "workers: 1\n"
        keepsake = self.start(listening(at(port), backend=backend, more=one))
        link = kept(port)
        keepsake.reload(listening(f'{{address: "0.0.0.0:{port}"}}', backend=backend, more=one), "reloaded")
        until("one socket is left", lambda: len(sockets_of(port)) == 1)
        socket.create_connection(("127.0.0.2", port), timeout=PATIENCE).close()
        self.answers(port)
        self.assertEqual(ask(link), (200, True))
        keepsake.reload(listening(at(port), backend=backend, more=one), "reloaded")
        until("one socket is left", lambda: len(sockets_of(port)) == 1)
        self.answers(port)
        link.close()

    def test_a_unix_socket_comes_and_goes(self):
        backend, port = self.demo_backend(), free_port()
        path = self.folder / "web.sock"
        both = listening(at(port), f"{{address: 'unix:{path}'}}", backend=backend)
        keepsake = self.start(both)
        for _ in range(3):
            self.assertTrue(path.is_socket())
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(path))
                link.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                self.assertIn(b"200 OK", link.recv(4096))
            keepsake.reload(listening(at(port), backend=backend), "reloaded")
            until("its name is gone", lambda: not path.exists())
            keepsake.reload(both, "reloaded")

    def test_a_port_that_is_taken_changes_nothing_and_says_why(self):
        backend, first, extra = self.demo_backend(), free_port(), free_port()
        keepsake = self.start(listening(at(first), backend=backend, more=ADMIN % 0))
        before = sockets_of(first)
        for reuse in (False, True):
            with self.subTest(reuse=reuse), taken_port(reuse) as taken:
                said = keepsake.reload(listening(at(extra), at(taken), backend=backend, more=ADMIN % 0 + "limits: {headers: 7}\n"),
                                       "reload refused")
                why = rf"keepsake\.yaml: listen: cannot listen on 127\.0\.0\.1:{taken}: the address is in use"
                self.assertRegex(said, "error +reload: .*" + why)
                self.assertRegex(request(keepsake.admin, "/readyz?verbose").body, "last reload: refused .*\n  .*" + why)
        self.assertEqual(sockets_of(first), before)
        self.answers(first)
        self.assertTrue(refuses(extra))
        self.assertIn("headers: 100", request(keepsake.admin, "/config").body)

    def test_the_admin_address_moves(self):
        backend, port, second = self.demo_backend(), free_port(), free_port()
        text = listening(at(port), backend=backend)
        keepsake = self.start(text + ADMIN % 0)
        first = keepsake.admin
        said = keepsake.reload(text + ADMIN % second, "reloaded")
        self.assertIn(f"listening on 127.0.0.1:{second} for administration", said)
        self.assertEqual(request(second, "/readyz").status, 200)
        until("the old one refuses", lambda: refuses(first))
        with taken_port() as taken:
            said = keepsake.reload(text + ADMIN % taken, "reload refused")
            self.assertRegex(said, rf"admin\.address: cannot listen on 127\.0\.0\.1:{taken}: the address is in use")
        self.assertIn("1 refused", request(second, "/readyz?verbose").body)
        keepsake.reload(text, "reloaded")
        until("there is none", lambda: refuses(second))
        keepsake.reload(text + ADMIN % second, "reloaded")
        self.assertEqual(request(second, "/readyz").status, 200)


class UnderLoad(LifeCase):
    def test_a_hundred_reloads_lose_no_request(self):
        backend, port, extra = self.demo_backend(), free_port(), free_port()
        other = self.demo_backend()
        texts = [
            listening(at(port), backend=backend, more="workers: 2\n"),
            listening(at(extra), at(port), backend=other, more="workers: 2\nlimits: {headers: 50}\n"),
            listening(at(port), at(extra), backend=backend, more="workers: 2\ntimeouts: {idle: 60s}\n"),
        ]
        keepsake = self.start(texts[0])
        load = Load(port)
        self.addCleanup(load.kill)
        began = time.monotonic()
        for i in range(1, 101):
            keepsake.reload(texts[i % 3], "reloaded")
            time.sleep(max(0.0, began + i * 0.09 - time.monotonic()))
        result = load.stop()
        rate = result["answered"] / result["seconds"]
        print(f"     100 reloads within {result['seconds']:.1f} s, {result['answered']} answers, {rate:.0f}/s", flush=True)
        self.assertEqual(result["lost"], [])
        self.assertGreater(result["answered"], 1000)
        self.assertEqual(keepsake.text.count("reloaded "), 100)


class Refused(LifeCase):
    """A reload that is refused because its last listener cannot be had."""

    def sockets_and_threads(self, keepsake):
        pid = keepsake.child.pid
        return len(list(pathlib.Path(f"/proc/{pid}/task").iterdir())), self.descriptors(keepsake)

    def descriptors(self, keepsake):
        return int(re.search(r"^process_open_fds (\d+)", request(keepsake.admin, "/metrics").body, re.M)[1])

    def test_it_leaves_no_socket_no_thread_and_no_file(self):
        backend, port, other, admin = self.demo_backend(), free_port(), free_port(), free_port()
        keepsake = self.start(listening(at(port), backend=backend, more="admin: {address: 127.0.0.1:0}\n"))
        before = self.sockets_and_threads(keepsake)
        unix, log = self.folder / "new.sock", self.folder / "new.log"
        with taken_port() as taken:
            text = listening(at(port), at(other), f"{{address: 'unix:{unix}'}}", at(taken), backend=backend, more=ADMIN % admin)
            text = text.replace("log: {access: false}", f"log: {{file: {log}, access_file: {self.folder}/new.access}}")
            text = text.replace(']}}\n', '], health_check: {path: /}}}\n', 1)
            for _ in range(3):
                keepsake.reload(text, "reload refused")
            self.assertTrue(refuses(admin))
            self.assertTrue(refuses(other))
            self.assertEqual(self.sockets_and_threads(keepsake), before)
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["keepsake.yaml"])
        with socket.create_server(("127.0.0.1", admin)):
            pass
        self.answers(port)

    def test_threads_that_a_reload_begins_leave_signals_to_the_control_thread(self):
        backend, port = self.demo_backend(), free_port()
        text = listening(at(port), backend=backend, more="admin: {address: 127.0.0.1:0}\n")
        keepsake = self.start(text)
        tasks = pathlib.Path(f"/proc/{keepsake.child.pid}/task")
        before = {task.name for task in tasks.iterdir()}
        text = text.replace(']}}\n', '], health_check: {path: /}}, named: {servers: ["http://localhost:1"]}}\n', 1)
        keepsake.reload(text, "reloaded")
        started = until("threads began", lambda: {task.name for task in tasks.iterdir()} - before)
        for thread in started:
            blocked = int(re.search(r"SigBlk:\s*([0-9a-f]+)", (tasks / thread / "status").read_text())[1], 16)
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
                self.assertTrue(blocked >> (number - 1) & 1, (thread, number))

"""Where it listens: address families, names, unix sockets."""

import http.client
import re
import signal
import socket

from support import BIN, Running, environment, free_port
from support_life import PATIENCE, LifeCase, at, listening


class Families(LifeCase):
    def answers_at(self, host, port):
        link = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        link.request("GET", "/healthz")
        status = link.getresponse().status
        link.close()
        return status == 200

    def test_both_share_a_port_in_either_order_and_over_reloads(self):
        backend, port = self.demo_backend(), free_port()
        v4, v6 = f"{{address: '0.0.0.0:{port}'}}", f"{{address: '[::]:{port}'}}"
        first = at(free_port())
        for listeners in ([v4, v6], [v6, v4]):
            keepsake = self.start(listening(first, *listeners, backend=backend))
            self.assertTrue(self.answers_at("127.0.0.1", port) and self.answers_at("::1", port))
            # [::] alone serves both families, and gives IPv4 up when another listener wants it.
            for present in ([v6], [v4, v6], [v6], [v4], [v6, v4]):
                keepsake.reload(listening(first, *present, backend=backend), "reloaded")
                for _ in range(4):
                    self.assertTrue(self.answers_at("127.0.0.1", port), present)
                    self.assertEqual(v6 not in present or self.answers_at("::1", port), True, present)
            keepsake.signal(signal.SIGTERM)
            self.assertEqual(keepsake.ends(), 0)

    def test_localhost_is_every_address_of_it(self):
        backend, port = self.demo_backend(), free_port()
        keepsake = self.start(listening(at(free_port()), f"{{address: 'localhost:{port}'}}", backend=backend,
                                        more="admin: {address: 'localhost:0'}\n"))
        hosts = {entry[4][0] for entry in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)}
        said = re.search(rf"listening on http://localhost:{port} \((.*)\)", keepsake.text)[1]
        self.assertEqual(set(said.split(" and ")), hosts)
        admin = int(re.search(r"listening on localhost:(\d+) for administration", keepsake.text)[1])
        for host in hosts:
            self.assertTrue(self.answers_at(host, port), host)
            self.assertTrue(self.answers_at(host, admin), host)


class UnixSockets(LifeCase):
    def begin(self, text, umask):
        keepsake = Running(["sh", "-c", f"umask {umask}; exec {BIN} run --config {self.write(text)}"], env=environment())
        self.addCleanup(keepsake.kill)
        keepsake.said("sessions: ")
        return keepsake

    def test_the_mode_is_that_of_the_file_whatever_the_umask(self):
        path = self.folder / "http.sock"
        def text(mode):
            return listening(f"{{address: 'unix:{path}'{mode}}}", backend=1)
        for umask in ("022", "077", "000"):
            keepsake = self.begin(text(", mode: '0660'"), umask)
            self.assertEqual(path.stat().st_mode & 0o777, 0o660)
            for mode, bits in ((", mode: '0606'", 0o606), ("", 0o777 & ~int(umask, 8)), (", mode: 0600", 0o600)):
                (self.folder / "keepsake.yaml").write_text(text(mode))
                since = len(keepsake.text)
                keepsake.signal(signal.SIGHUP)
                keepsake.said("reloaded", since)
                self.assertEqual(path.stat().st_mode & 0o777, bits)
            keepsake.signal(signal.SIGTERM)
            self.assertEqual(keepsake.ends(), 0)

    def test_an_owner_that_accepts_nothing_is_an_owner_and_nobody_waits_for_it(self):
        path = self.folder / "http.sock"
        with socket.socket(socket.AF_UNIX) as owner:
            owner.bind(str(path))
            owner.listen(0)
            full = []
            while True:  # until its queue is full
                link = socket.socket(socket.AF_UNIX)
                self.addCleanup(link.close)
                link.setblocking(False)
                try:
                    link.connect(str(path))
                except BlockingIOError:
                    break
                full.append(link)
            self.fails(1, "in use by another program", "run", "--config",
                       self.write(listening(f"{{address: 'unix:{path}'}}", backend=1)))
        keepsake = self.begin(listening(f"{{address: 'unix:{path}'}}", backend=1), "022")  # a file that is left over
        keepsake.signal(signal.SIGTERM)
        self.assertEqual(keepsake.ends(), 0)

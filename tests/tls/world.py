"""What the tests of this folder share: the program with https listeners, openssl and curl as its clients."""

import pathlib
import re
import socket
import subprocess

import support
from certificates import Authority, Pair, openssl
from support import PATIENCE, until

HEAD = "GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n"


class Keepsake(support.Running):
    """`keepsake run`; `ports` are those of its listeners in the order of the file."""

    def __init__(self, file, listeners=1):
        super().__init__([support.BIN, "run", "--config", file], env=support.environment())
        self.file = file
        try:
            self.said("sessions: ")
        except AssertionError:
            self.kill()
            raise
        found = re.findall(r"listening on (?:https?://)?127\.0\.0\.1:(\d+)", self.text)
        self.ports = [int(port) for port in found]
        assert len(self.ports) >= listeners, self.text
        self.port = self.ports[0]

    reload = support.Keepsake.reload

    def metric(self, name):
        text = support.request(self.ports[-1], "/metrics").body
        return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])


class TestCase(support.TestCase):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)

    def config(self, listen, backend, more="", routes='[{path: "/setName", set: {myName: name}, redirect: /}, {path: "/*", backend: app}]',
               backend_more="", scheme="http", host="127.0.0.1"):
        return (f"listen: {listen}\n"
                f"backends: {{app: {{servers: [\"{scheme}://{host}:{backend}\"]{backend_more}}}}}\n"
                f"routes: {routes}\nsession: {{secrets: [{{env: SESSION_KEY}}]}}\n"
                f"admin: {{address: 127.0.0.1:0}}\nworkers: 2\n{more}")

    def tls_listener(self, pair, more=""):
        return f"[{{address: \"127.0.0.1:0\", tls: {pair.yaml(more)}}}]"

    def run_keepsake(self, text):
        keepsake = Keepsake(self.write(text))
        self.addCleanup(keepsake.kill)
        return keepsake

    def start_tls(self, pair=None, more="", backend=None, more_yaml=""):
        self.pair = pair or self.authority.make("server", "app.example")
        self.text = self.config(self.tls_listener(self.pair, more), backend or self.backend().port, more_yaml)
        return self.run_keepsake(self.text)

    def demo_backend(self):
        port = support.free_port()
        demo = support.Running([support.BIN.parent / "demo-backend", "--listen", f"127.0.0.1:{port}"])
        self.addCleanup(demo.kill)

        def answers():
            assert demo.child.poll() is None, demo.text
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        until("demo-backend listens", answers)
        return port

    def curl(self, port, path="/", *options, host="app.example", scheme="https"):
        """The done process; its standard output is body, then the status on a line of its own."""
        return subprocess.run(
            ["curl", "-sS", "--max-time", str(PATIENCE), "--noproxy", "*", "--cacert", str(self.authority.file),
             "--resolve", f"{host}:{port}:127.0.0.1", "-w", "\n%{http_code}", *map(str, options),
             f"{scheme}://{host}:{port}{path}"], capture_output=True, text=True, timeout=PATIENCE + 5)

    def fetch(self, port, path="/", *options, **named):
        done = self.curl(port, path, *options, **named)
        self.assertEqual(done.returncode, 0, done.stderr)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    def s_client(self, port, *options, send=HEAD, name="app.example"):
        """What openssl s_client says, both outputs together."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(self.authority.file),
             *(("-servername", name) if name else ()), *(("-ign_eof",) if send == HEAD else ()), *map(str, options)],
            input=send, capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout + done.stderr

    def replace(self, target, source):
        """As certbot and cert-manager do: the new file takes the place of the old one."""
        pathlib.Path(source).rename(target)


__all__ = ["HEAD", "Authority", "Keepsake", "Pair", "TestCase", "openssl"]

#!/usr/bin/env python3
"""The HTTP/2 clients of others: curl, nghttp, h2load and python3-h2, against Keepsake in clear text.
    http2_test.py [CLASS[.test]...]"""

import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys

if not importlib.util.find_spec("h2") and sys.executable != "/usr/bin/python3" and pathlib.Path("/usr/bin/python3").exists():
    os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])  # Debian's python3-h2 belongs to it

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
admin: {address: "127.0.0.1:0"}
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], max_requests: 4, queue: {size: 500, timeout: 30s}}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
log: {access: false}
"""


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=True).stdout


class Http2Clients(support.TestCase):
    def setUp(self):
        super().setUp()
        app = self.backend()
        self.keepsake = self.start(CONFIG.replace("BACKEND", str(app.port)))
        self.url = f"http://127.0.0.1:{self.keepsake.port}"

    def test_curl_sets_a_name_and_is_greeted_by_it(self):
        jar = str(self.folder / "jar")
        curl = ["curl", "-sS", "--http2-prior-knowledge", "-b", jar, "-c", jar, "-w", "%{http_version} %{http_code}"]
        self.assertTrue(run(*curl, "--data", "name=Ada", f"{self.url}/setName").endswith("2 303"))
        self.assertIn("Ada", run(*curl, f"{self.url}/"))

    def test_nghttp_understands_every_frame(self):
        said = run("nghttp", "-nv", "-m", "20", f"{self.url}/", f"{self.url}/other")
        self.assertEqual(said.count(":status: 200"), 40)
        self.assertIn("SETTINGS_ENABLE_CONNECT_PROTOCOL(0x08):1", said)
        self.assertNotIn("[INVALID", said)

    def test_h2load_loses_no_request(self):
        said = run("h2load", "-t1", "-c4", "-m20", "-n400", f"{self.url}/")
        self.assertIn("400 succeeded, 0 failed, 0 errored, 0 timeout", said)
        self.assertIn("status codes: 400 2xx", said)

    def test_python_h2_finds_no_fault_with_any_frame(self):
        try:
            import h2.config
        except ImportError:
            self.skipTest("python3-h2 is not installed for this Python")
        import h2.connection
        import h2.events
        client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        client.initiate_connection()
        link = socket.create_connection(("127.0.0.1", self.keepsake.port), timeout=30)
        self.addCleanup(link.close)
        fields = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
        for _ in range(10):
            client.send_headers(client.get_next_available_stream_id(), fields, end_stream=True)
        ended = 0
        while ended < 10:
            link.sendall(client.data_to_send())
            received = link.recv(65536)
            self.assertTrue(received)
            for event in client.receive_data(received):
                self.assertNotIsInstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated))
                ended += isinstance(event, h2.events.StreamEnded)
                if isinstance(event, h2.events.DataReceived):
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)


if __name__ == "__main__":
    if missing := [name for name in ("curl", "nghttp", "h2load") if shutil.which(name) is None]:
        print("not installed:", *missing)
        sys.exit(77)
    import runner
    sys.argv[1:] = [f"http2_test.{name}" for name in sys.argv[1:]] or ["http2_test"]
    runner.main()

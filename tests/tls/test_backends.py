"""Backends that speak TLS: real nginx with certificates good and bad."""

import contextlib
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import unittest

import support
import world
from support import until

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONFIG = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} ssl; {client}
    ssl_certificate {certificate}; ssl_certificate_key {key};
    location / {{ return 200 "$ssl_server_name $ssl_session_reused $ssl_client_s_dn"; }}
    location /close {{ keepalive_timeout 0; return 200 "$ssl_session_reused"; }}
  }}
}}
"""


@unittest.skipUnless(pathlib.Path(NGINX).exists(), "nginx is not installed")
class Nginx(world.TestCase):
    def nginx(self, pair, client=""):
        port = support.free_port()
        file = self.folder / f"nginx-{port}.conf"
        file.write_text(CONFIG.format(folder=self.folder, port=port, certificate=pair.certificate, key=pair.key,
                                      client=client))
        child = subprocess.Popen([NGINX, "-p", self.folder, "-c", file], stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL)

        def stop():
            child.send_signal(signal.SIGTERM)
            child.communicate()
        self.addCleanup(stop)

        def answers():
            assert child.poll() is None, child.stderr.read()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        until("nginx listens", answers)
        return port

    def proxy(self, port, tls):
        return self.run_keepsake(self.config("[{address: \"127.0.0.1:0\"}]", port, scheme="https",
                                             backend_more=f", tls: {{{tls}}}"))

    def ca(self, name="app.example"):
        return f"ca: {self.authority.file}, server_name: {name}"

    def test_a_good_certificate_is_believed_and_sessions_are_resumed(self):
        keepsake = self.proxy(self.nginx(self.authority.make("good", "app.example")), self.ca())
        self.assertEqual(support.request(keepsake.port, "/").body, "app.example . ")
        seen = {support.request(keepsake.port, "/close").body for _ in range(8)}
        self.assertEqual(seen, {".", "r"})
        self.assertGreater(keepsake.metric("keepsake_backend_tls_resumptions_total"), 0)

    def refused(self, pair, reason, tls=None):
        keepsake = self.proxy(self.nginx(pair), tls or self.ca())
        answer = support.request(keepsake.port, "/")
        self.assertEqual(answer.status, 502)
        self.assertNotIn("certificate", answer.body)
        keepsake.said(f"cannot connect to https://.*: TLS: {reason}")
        self.assertGreater(keepsake.metric("keepsake_backend_tls_handshake_failures_total"), 0)

    def test_another_name_is_refused(self):
        self.refused(self.authority.make("wrong", "other.example"), "hostname mismatch")

    def test_an_expired_certificate_is_refused(self):
        self.refused(self.authority.make_expired("expired", "app.example"), "certificate has expired")

    def test_a_self_signed_certificate_is_refused(self):
        pair = self.authority.make("self", "app.example", self_signed=True)
        self.refused(pair, "self-signed certificate")
        self.refused(pair, "self-signed certificate", "server_name: app.example")

    def test_the_authorities_of_the_system_are_the_default(self):
        self.refused(self.authority.make("good", "app.example"), "unable to get local issuer certificate",
                     "server_name: app.example")

    def test_verify_false_is_loud_and_counted(self):
        pair = self.authority.make("self", "other.example", self_signed=True)
        keepsake = self.proxy(self.nginx(pair), "verify: false")
        self.assertEqual(support.request(keepsake.port, "/").status, 200)
        self.assertIn("backends.app.tls.verify: false: whoever answers", keepsake.text)
        self.assertEqual(keepsake.metric("keepsake_backend_tls_unverified_total"), 1)

    def test_a_client_certificate_is_shown(self):
        client = self.authority.make("client", subject="/CN=keepsake")
        port = self.nginx(self.authority.make("good", "app.example"),
                          f"ssl_client_certificate {self.authority.file}; ssl_verify_client on;")
        keepsake = self.proxy(port, f"{self.ca()}, certificate: {client.certificate}, key: {client.key}")
        self.assertEqual(support.request(keepsake.port, "/").body, "app.example . CN=keepsake")
        self.assertEqual(support.request(self.proxy(port, self.ca()).port, "/").status, 400)

    def test_plain_http_where_tls_is_expected_is_refused(self):
        keepsake = self.proxy(self.backend().port, self.ca())
        self.assertEqual(support.request(keepsake.port, "/").status, 502)
        keepsake.said("TLS: (wrong version number|the peer closed)")


class Truncation(world.TestCase):
    def serve(self, say_end):
        """A backend whose body ends with its connection: with close_notify, or torn off."""
        pair = self.authority.make("good", "app.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def answer():
            raw, _ = listener.accept()
            link = context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
            link.recv(65536)
            link.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
            with contextlib.suppress(OSError):  # nobody answers the close_notify
                if say_end:
                    link.unwrap()
            link.close()
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        return listener.getsockname()[1]

    def test_an_end_without_close_notify_never_looks_complete(self):
        for say_end in (True, False):
            with self.subTest(say_end=say_end):
                port = self.serve(say_end)
                keepsake = self.run_keepsake(self.config(
                    "[{address: \"127.0.0.1:0\"}]", port, scheme="https",
                    backend_more=f", tls: {{ca: {self.authority.file}, server_name: app.example}}"))
                done = self.curl(keepsake.port, "/", scheme="http")
                self.assertEqual(done.returncode == 0, say_end, done.stderr)
                self.assertEqual(done.stdout.split("\n")[0], "half of it")


if __name__ == "__main__":
    unittest.main()

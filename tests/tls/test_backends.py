"""Backends that speak TLS: real nginx with certificates good and bad."""

import contextlib
import re
import signal
import socket
import ssl
import threading
import unittest

import nginx
import support
import world

SERVER = """
    listen 127.0.0.1:{port} ssl; {client}
    ssl_certificate {pair.certificate}; ssl_certificate_key {pair.key};
    location / {{ return 200 "$ssl_server_name $ssl_session_reused $ssl_client_s_dn"; }}
    location /close {{ keepalive_timeout 0; return 200 "$ssl_session_reused"; }}
"""


class NginxCase(world.TestCase):
    def start_nginx(self, pair, client="", port=None):
        port = port or support.free_port()
        server = nginx.Nginx(self.folder, port, SERVER.format(port=port, client=client, pair=pair))
        self.addCleanup(server.stop)
        return server

    def nginx(self, pair, client=""):
        return self.start_nginx(pair, client).port

    def proxy(self, port, tls):
        return self.run_keepsake(self.text(port, tls))

    def ca(self, name="app.example"):
        return f"ca: {self.authority.file}, server_name: {name}"

    def text(self, port, tls, more=""):
        return self.config("[{address: \"127.0.0.1:0\"}]", port, scheme="https", backend_more=f", tls: {{{tls}}}{more}")


@nginx.needs_nginx
class Nginx(NginxCase):
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


@nginx.needs_nginx
class Health(NginxCase):
    def test_checks_speak_tls_and_a_wrong_name_is_unhealthy(self):
        wrong = self.start_nginx(self.authority.make("wrong", "other.example"))
        good = self.start_nginx(self.authority.make("good", "app.example"))
        checks = ", health_check: {path: /healthz, interval: 400ms, timeout: 400ms, unhealthy: 2, healthy: 2}"
        text = self.text(wrong.port, self.ca(), checks + ", retry: {attempts: 1}")
        both = f":{wrong.port}\", \"https://127.0.0.1:{good.port}\"]"
        keepsake = self.run_keepsake(text.replace(f":{wrong.port}\"]", both))
        keepsake.said(rf"https://127\.0\.0\.1:{wrong.port} is unhealthy: TLS: hostname mismatch")
        support.until("every worker knows", lambda: self.healthy(keepsake) == {wrong.port: 0, good.port: 1})
        self.assertEqual({support.request(keepsake.port, "/").status for _ in range(20)}, {200})
        wrong.stop()
        self.start_nginx(self.authority.make("right", "app.example"), port=wrong.port)
        keepsake.said(rf"https://127\.0\.0\.1:{wrong.port} is healthy again")
        self.assertEqual(self.healthy(keepsake), {wrong.port: 1, good.port: 1})
        self.assertEqual({support.request(keepsake.port, "/").status for _ in range(20)}, {200})

    def healthy(self, keepsake):
        """{port: what /metrics says of the server}"""
        text = support.request(keepsake.ports[-1], "/metrics").body
        found = re.findall(r'^keepsake_server_healthy\{[^}]*server="https://127\.0\.0\.1:(\d+)"\} (\d)$', text, re.M)
        return {int(port): int(value) for port, value in found}


@nginx.needs_nginx
class Renewal(NginxCase):
    """The files of a backend are renewed as those of listeners are."""

    def test_another_authority_is_believed_from_the_next_connection_on(self):
        other = world.Authority(self.folder, "other")
        keepsake = self.proxy(self.nginx(other.make("good", "app.example")), self.ca())
        old = self.authority.file.read_bytes()
        self.assertEqual(support.request(keepsake.port, "/").status, 502)
        self.replace(self.authority.file, other.file)
        keepsake.said("the certificates of a backend were read again")
        for _ in range(8):  # at both workers, new links and kept ones
            self.assertEqual(support.request(keepsake.port, "/").status, 200)
            self.assertEqual(support.request(keepsake.port, "/close").status, 200)
        # and what the old one had signed is not believed for having been believed once: no link, no session stays
        since = len(keepsake.text)
        self.authority.file.write_bytes(old)
        keepsake.signal(signal.SIGHUP)
        keepsake.said("reloaded", since)
        for path in ["/", "/close"] * 4:
            self.assertEqual(support.request(keepsake.port, path).status, 502)

    def test_a_client_certificate_is_renewed_by_file_and_by_sighup(self):
        port = self.nginx(self.authority.make("good", "app.example"),
                          f"ssl_client_certificate {self.authority.file}; ssl_verify_client on;")
        shown = self.authority.make("client", subject="/CN=first")
        text = self.text(port, f"{self.ca()}, certificate: {shown.certificate}, key: {shown.key}")
        keepsake = self.run_keepsake(text)
        self.shows(keepsake, "first")
        self.replace_pair(shown, "second")
        keepsake.said("the certificates of a backend were read again")
        support.until("links of before are gone", lambda: self.seen(keepsake) == {"CN=second"})
        self.replace_pair(shown, "third")
        keepsake.reload(text, "reloaded")
        self.shows(keepsake, "third")
        other = self.authority.make("elsewhere", subject="/CN=fourth")
        keepsake.reload(text.replace(str(shown.certificate), str(other.certificate)).replace(str(shown.key), str(other.key)),
                        "reloaded")
        self.shows(keepsake, "fourth")

    def replace_pair(self, pair, name):
        made = self.authority.make(name, subject=f"/CN={name}")
        self.replace(pair.certificate, made.certificate)
        self.replace(pair.key, made.key)

    def seen(self, keepsake):
        return {support.request(keepsake.port, "/").body.rpartition(" ")[2] for _ in range(8)}

    def shows(self, keepsake, name):
        self.assertEqual(self.seen(keepsake), {f"CN={name}"})

    def test_a_file_that_cannot_be_used_leaves_the_old_one_in_use_and_says_why(self):
        keepsake = self.proxy(self.nginx(self.authority.make("good", "app.example")), self.ca())
        self.assertEqual(support.request(keepsake.port, "/").status, 200)
        self.authority.file.write_text("no certificate at all")
        keepsake.said(r"a backend have changed and cannot be used; the old ones stay: \S+authority\.crt: ")
        for path in ["/", "/close"] * 4:
            self.assertEqual(support.request(keepsake.port, path).status, 200)
        keepsake.signal(signal.SIGHUP)
        keepsake.said("reload refused")
        self.assertEqual(support.request(keepsake.port, "/close").status, 200)


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

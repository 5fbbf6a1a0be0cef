"""TLS at the listener, asked by openssl s_client and curl."""

import re
import signal
import socket
import ssl
import unittest

import support
import world
from support import PATIENCE
from world import HEAD


class Versions(world.TestCase):
    def test_tls_1_2_and_1_3_are_spoken(self):
        keepsake = self.start_tls()
        for option, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            said = self.s_client(keepsake.port, option)
            self.assertIn("HTTP/1.1 200 OK", said)
            self.assertIn(f"New, {name}", said)
            self.assertIn("Verify return code: 0 (ok)", said)

    def test_older_versions_alone_are_refused(self):
        keepsake = self.start_tls()
        for option in ("-tls1", "-tls1_1"):
            said = self.s_client(keepsake.port, option, "-cipher", "ALL:@SECLEVEL=0")
            self.assertRegex(said, "protocol version")
            self.assertNotIn("HTTP/1.1", said)
        self.assertEqual(keepsake.metric("keepsake_tls_handshake_failures_total"), 2)
        self.assertEqual(self.fetch(keepsake.port), (200, "nobody"))

    def test_only_forward_secret_aead_suites(self):
        keepsake = self.start_tls()
        for suite in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"):
            said = self.s_client(keepsake.port, "-tls1_2", "-cipher", suite + ":@SECLEVEL=0")
            self.assertIn("handshake failure", said)
        said = self.s_client(keepsake.port, "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305")
        self.assertIn("HTTP/1.1 200 OK", said)

    def test_alpn_is_http_2_where_a_client_offers_it(self):
        keepsake = self.start_tls()
        self.assertIn("ALPN protocol: h2", self.s_client(keepsake.port, "-alpn", "h2,http/1.1"))
        self.assertIn("ALPN protocol: http/1.1", self.s_client(keepsake.port, "-alpn", "http/1.1"))
        self.assertIn("no application protocol", self.s_client(keepsake.port, "-alpn", "h3"))
        self.assertIn("HTTP/1.1 200 OK", self.s_client(keepsake.port))

    def test_renegotiation_is_refused(self):
        keepsake = self.start_tls()
        said = self.s_client(keepsake.port, "-tls1_2", send="R\n")
        self.assertRegex(said, "RENEGOTIATING[^$]*no renegotiation")
        self.assertEqual(self.fetch(keepsake.port)[0], 200)

    def test_no_compression_and_no_stapled_answer_of_an_authority(self):
        keepsake = self.start_tls()
        self.assertIn("Compression: NONE", self.s_client(keepsake.port, "-tls1_2", "-comp"))
        self.assertIn("OCSP response: no response sent", self.s_client(keepsake.port, "-status"))


class Handshakes(world.TestCase):
    def test_one_that_does_not_end_is_given_up(self):
        keepsake = self.start_tls(more_yaml="timeouts: {handshake: 300ms}\n")
        with socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE) as link:
            link.sendall(b"\x16\x03\x01")
            self.assertEqual(link.recv(1), b"")
        self.assertEqual(keepsake.metric("keepsake_tls_handshake_failures_total"), 1)
        self.assertEqual(self.fetch(keepsake.port)[0], 200)

    def test_more_than_the_limit_are_closed_at_once_and_room_made_is_room(self):
        keepsake = self.start_tls(more_yaml="limits: {handshakes: 3}\ntimeouts: {handshake: 1m}\n")
        def refused():
            return keepsake.metric("keepsake_tls_handshakes_refused_total")
        held = [socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE) for _ in range(5)]
        support.until("two were closed", lambda: refused() == 2)
        self.assertNotEqual(self.curl(keepsake.port).returncode, 0)
        self.assertEqual(refused(), 3)
        for link in held:
            link.close()
        support.until("there is room", lambda: self.curl(keepsake.port).returncode == 0)


class Names(world.TestCase):
    def test_the_certificate_is_chosen_by_the_name(self):
        first = self.authority.make("first", "first.example")
        more = [self.authority.make("second", "second.example", "Also.second.example"),
                self.authority.make("wild", "*.wild.example")]
        listed = ", ".join(pair.yaml() for pair in [first, *more])
        keepsake = self.run_keepsake(self.config(
            f"[{{address: \"127.0.0.1:0\", tls: {{certificates: [{listed}]}}}}]", self.backend().port))
        for asked, subject in ((None, "first"), ("first.example", "first"), ("nobody.example", "first"),
                               ("second.example", "second"), ("ALSO.second.example", "second"),
                               ("second.example.", "second"), ("a.wild.example.", r"\*.wild"),
                               ("a.wild.example", r"\*.wild"), ("a.b.wild.example", "first"),
                               ("wild.example", "first")):
            said = self.s_client(keepsake.port, name=asked) if asked else \
                self.s_client(keepsake.port, "-noservername", name=None)
            self.assertRegex(said, rf"subject=CN = {subject}\.example", asked)
            self.assertIn("HTTP/1.1 200 OK", said)


class Sessions(world.TestCase):
    def begin(self, keepsake, *options):
        file = self.folder / "session.pem"
        said = self.s_client(keepsake.port, "-sess_out", file, *options)
        self.assertIn("New, TLS", said)
        return file

    def resumed(self, keepsake, file, *options, port=None):
        said = self.s_client(port or keepsake.port, "-sess_in", file, *options)
        self.assertIn("HTTP/1.1 200 OK", said)
        return "Reused, TLS" in said

    def test_a_session_is_resumed_at_any_worker_and_across_reloads(self):
        keepsake = self.start_tls()
        for version in ("-tls1_2", "-tls1_3"):
            file = self.begin(keepsake, version)
            for _ in range(6):
                self.assertTrue(self.resumed(keepsake, file, version))
            keepsake.reload(self.text + "\n", "reloaded")
            self.assertTrue(self.resumed(keepsake, file, version))
            self.replace(self.pair.certificate, self.authority.make("next", "app.example").certificate)
            self.replace(self.pair.key, self.folder / "next.key")
            keepsake.said("were read again")
            self.assertTrue(self.resumed(keepsake, file, version))
        self.assertGreaterEqual(keepsake.metric("keepsake_tls_resumptions_total"), 16)

    def test_a_restart_forgets_the_keys(self):
        keepsake = self.start_tls()
        file = self.begin(keepsake)
        other = self.run_keepsake(self.text)
        self.assertFalse(self.resumed(other, file))

    def test_a_session_does_not_cross_to_a_listener_with_other_demands(self):
        pair = self.authority.make("server", "app.example")
        client = self.authority.make("client", subject="/CN=Ann")
        port = self.backend().port
        optional = f", client_ca: {self.authority.file}, client_certificate: optional"
        listen = (f"[{{address: \"127.0.0.1:0\", tls: {pair.yaml()}}}, "
                  f"{{address: \"127.0.0.1:0\", tls: {pair.yaml(optional)}}}]")
        # Two ports that the system chooses: what is listened on tells them apart.
        listen = listen.replace("127.0.0.1:0", f"127.0.0.1:{support.free_port()}", 1)
        keepsake = self.run_keepsake(self.config(listen, port))
        file = self.begin(keepsake)
        self.assertTrue(self.resumed(keepsake, file))
        self.assertFalse(self.resumed(keepsake, file, port=keepsake.ports[1]))
        with_certificate = self.folder / "with.pem"
        self.s_client(keepsake.ports[1], "-sess_out", with_certificate, "-cert", client.certificate, "-key", client.key)
        self.assertTrue(self.resumed(keepsake, with_certificate, port=keepsake.ports[1]))
        self.assertFalse(self.resumed(keepsake, with_certificate))


class ClientCertificates(world.TestCase):
    def listener(self, kind):
        return f", client_ca: {self.authority.file}, client_certificate: {kind}, client_subject_header: X-Who"

    def test_the_verified_subject_reaches_the_backend(self):
        keepsake = self.start_tls(more=self.listener("required"))
        client = self.authority.make("client", subject="/O=Example/CN=Zoë 50%")
        shown = ("--cert", client.certificate, "--key", client.key)
        self.assertEqual(self.fetch(keepsake.port, "/", *shown), (200, "CN=Zo%C3%AB 50%25,O=Example"))
        self.assertEqual(self.fetch(keepsake.port, "/", *shown, "-H", "X-Who: CN=root"),
                         (200, "CN=Zo%C3%AB 50%25,O=Example"))
        self.assertNotEqual(self.curl(keepsake.port).returncode, 0)
        stranger = support_authority(self).make("stranger", subject="/CN=Eve")
        self.assertNotEqual(self.curl(keepsake.port, "/", "--cert", stranger.certificate, "--key",
                                      stranger.key).returncode, 0)

    def test_optional_lets_others_in_who_cannot_forge_it(self):
        pair = self.authority.make("server", "app.example")
        port = support.free_port()
        listen = (f"[{{address: \"127.0.0.1:{port}\", tls: {pair.yaml(self.listener('optional'))}}}, "
                  "{address: \"127.0.0.1:0\"}]")
        keepsake = self.run_keepsake(self.config(listen, self.backend().port))
        self.assertEqual(self.fetch(port, "/", "-H", "X-Who: CN=root", "-H", "x_who: CN=root"), (200, "nobody"))
        plain = keepsake.ports[1]
        self.assertEqual(support.request(plain, "/", headers={"X-Who": "CN=root"}).body, "nobody")


def support_authority(test):
    folder = test.folder / "others"
    folder.mkdir()
    return world.Authority(folder)


class Behaviour(world.TestCase):
    def test_a_client_that_sends_single_bytes_is_served(self):
        keepsake = self.start_tls()
        context = ssl.create_default_context(cafile=self.authority.file)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        link = context.wrap_bio(incoming, outgoing, server_hostname="app.example")
        with socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def flush():
                for byte in outgoing.read():
                    raw.sendall(bytes([byte]))

            def step(what):
                while True:
                    try:
                        return what()
                    except ssl.SSLWantReadError:
                        flush()
                        incoming.write(raw.recv(1))
            step(link.do_handshake)
            link.write(HEAD.encode())
            flush()
            answer = b""
            while b"nobody" not in answer:
                answer += step(lambda: link.read(65536))
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"))

    def test_a_mebibyte_both_ways(self):
        demo = self.demo_backend()
        keepsake = self.start_tls(backend=demo)
        file = self.folder / "body"
        file.write_bytes(b"0123456789abcdef" * 65536)
        status, body = self.fetch(keepsake.port, "/bytes?n=1048576")
        self.assertEqual((status, len(body)), (200, 1048576))
        self.assertEqual(self.fetch(keepsake.port, "/headers", "--data-binary", f"@{file}", "-H", "Expect:")[0] // 100, 2)

    def test_a_cookie_set_over_tls_is_secure_and_the_proxy_protocol_comes_first(self):
        pair = self.authority.make("server", "app.example")
        listen = f"[{{address: \"127.0.0.1:0\", proxy_protocol: true, tls: {pair.yaml()}}}]"
        keepsake = self.run_keepsake(self.config(listen, self.backend().port, "trusted_proxies: [127.0.0.1]\n"))
        status, headers = self.fetch(keepsake.port, "/setName", "--haproxy-protocol", "-D", "-", "-d", "name=Ann")
        self.assertEqual(status, 303)
        self.assertRegex(headers, r"(?i)Set-Cookie: session=.*; Secure")
        self.assertNotEqual(self.curl(keepsake.port).returncode, 0)
        self.assertEqual(keepsake.metric("keepsake_proxy_headers_refused_total"), 1)
        self.assertIn("its PROXY header is missing or malformed", keepsake.text)

    def test_scheme_and_cookie_follow_the_link(self):
        port = support.free_port()
        pair = self.authority.make("server", "app.example")
        listen = f"[{{address: \"127.0.0.1:{port}\", tls: {pair.yaml()}}}, {{address: \"127.0.0.1:0\"}}]"
        text = self.config(listen, self.demo_backend())
        keepsake = self.run_keepsake(text)
        for scheme, at, secure in (("https", port, True), ("http", keepsake.ports[1], False)):
            with self.subTest(scheme):
                lie = ("-H", "X-Forwarded-Proto: " + ("http" if secure else "https"))
                self.assertRegex(self.fetch(at, "/headers", *lie, scheme=scheme)[1], rf"X-Forwarded-Proto[^\n]*\b{scheme}\b")
                headers = self.fetch(at, "/setName", *lie, "-D", "-", "-d", "name=Ann", scheme=scheme)[1]
                self.assertEqual("; Secure" in re.search("(?i)Set-Cookie: (.*)", headers)[1], secure)
        # A browser keeps a __Host- cookie of a TLS link alone; curl does as browsers do.
        named = text.replace("}]}\nadmin", "}], cookie: {name: __Host-session, secure: true}}\nadmin")
        self.assertNotEqual(named, text)
        keepsake.reload(named, "reloaded")
        jar = self.folder / "jar"
        for scheme, at, kept in (("https", port, True), ("http", keepsake.ports[1], False)):
            with self.subTest(scheme):
                jar.unlink(missing_ok=True)
                self.fetch(at, "/setName", "-c", jar, "-d", "name=Ann", scheme=scheme)
                self.assertEqual("__Host-session" in jar.read_text(), kept)
                self.assertEqual("Ann" in self.fetch(at, "/", "-b", jar, scheme=scheme)[1], kept)

    def test_redirect_to_https(self):
        port = support.free_port()
        pair = self.authority.make("server", "app.example")
        listen = (f"[{{address: \"127.0.0.1:{port}\", tls: {pair.yaml()}}}, "
                  f"{{address: \"127.0.0.1:0\", redirect_to_https: {port}}}]")
        keepsake = self.run_keepsake(self.config(listen, self.backend().port))
        done = self.curl(keepsake.ports[1], "/where?a=b", "-L", "--resolve", f"app.example:{port}:127.0.0.1", scheme="http")
        self.assertEqual(done.stdout, "nobody\n200", done.stderr)


class Renewal(world.TestCase):
    def served(self, keepsake, name="app.example"):
        """The serial number of the certificate that new links get."""
        return re.search(r"serial=(\w+)", self.serial_of(keepsake, name))[1]

    def serial_of(self, keepsake, name):
        said = self.s_client(keepsake.port, "-showcerts", name=name)
        pem = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----", said, re.S)[0]
        return world.openssl("x509", "-noout", "-serial", "-in", self.written(pem))

    def written(self, pem):
        return self.write(pem, "served.pem")

    def test_sighup_and_replaced_files_bring_a_new_certificate(self):
        keepsake = self.start_tls()
        context = ssl.create_default_context(cafile=self.authority.file)
        old = context.wrap_socket(socket.create_connection(("127.0.0.1", keepsake.port), timeout=PATIENCE),
                                  server_hostname="app.example")
        self.addCleanup(old.close)
        first = self.served(keepsake)
        self.authority.make("server", "app.example")  # in place
        keepsake.reload(self.text, "reloaded")
        second = self.served(keepsake)
        self.assertNotEqual(first, second)
        self.authority.make("next", "app.example")
        since = len(keepsake.text)
        self.replace(self.pair.certificate, self.folder / "next.crt")
        self.replace(self.pair.key, self.folder / "next.key")
        keepsake.said("were read again: .*valid until", since)
        self.assertNotIn(self.served(keepsake), (first, second))
        old.sendall(HEAD.encode())  # the link of before stays
        self.assertIn(b"200 OK", old.recv(65536))

    def test_another_path_is_taken_by_sighup_and_what_it_cannot_read_refuses_it(self):
        keepsake = self.start_tls()
        first = self.served(keepsake)
        other = self.authority.make("other", "app.example")
        moved = self.text.replace(str(self.pair.certificate), str(other.certificate)).replace(
            str(self.pair.key), str(other.key))
        keepsake.reload(moved.replace("other.key", "absent.key"), "reload refused")
        self.assertEqual(self.served(keepsake), first)
        keepsake.reload(moved, "reloaded")
        self.assertNotEqual(self.served(keepsake), first)

    def test_a_directory_that_is_swapped_by_its_link_is_noticed(self):
        for folder in ("one", "two"):
            (self.folder / folder).mkdir()
            self.authority.make("tls", "app.example", folder=self.folder / folder)
        (self.folder / "data").symlink_to("one")
        pair = world.Pair(self.folder / "data/tls.crt", self.folder / "data/tls.key")
        keepsake = self.start_tls(pair)
        first = self.served(keepsake)
        (self.folder / "new").symlink_to("two")
        (self.folder / "new").rename(self.folder / "data")
        keepsake.said("were read again")
        self.assertNotEqual(self.served(keepsake), first)

    def test_a_bad_one_leaves_the_old_one_in_use_and_says_why(self):
        keepsake = self.start_tls()
        first = self.served(keepsake)
        whole = self.pair.certificate.read_text()
        self.pair.certificate.write_text(whole[:300])
        keepsake.said(r"cannot be used; the old ones stay: \S+server\.crt: holds a broken certificate")
        self.assertEqual(self.served(keepsake), first)
        keepsake.signal(signal.SIGHUP)
        keepsake.said(r"reload refused")
        self.assertRegex(keepsake.text, r"listen\[0\]\.tls\.certificate: .*broken certificate")
        self.assertEqual(self.served(keepsake), first)
        since = len(keepsake.text)
        self.authority.make("server", "app.example")
        keepsake.said("were read again", since)
        self.assertNotEqual(self.served(keepsake), first)


class BadFiles(world.TestCase):
    def problems(self, pair, pattern):
        text = self.config(self.tls_listener(pair), 1)
        file = self.write(text)
        self.fails(2, pattern, "check", "--config", file)
        self.fails(2, pattern, "run", "--config", file)

    def test_files_that_cannot_be_used_are_named_by_check_and_at_start(self):
        good = self.authority.make("server", "app.example")
        other = self.authority.make("other", "app.example")
        half = self.folder / "half.crt"
        half.write_text(good.certificate.read_text()[:300])
        locked = self.folder / "locked.key"
        world.openssl("pkey", "-in", good.key, "-aes256", "-passout", "pass:x", "-out", locked)
        pair = world.Pair
        for certificate, key, pattern in (
                (half, good.key, r"tls\.certificate: .*half\.crt.* broken certificate"),
                (good.certificate, other.key, r"tls\.key: .*other\.key.* not the key of the certificate"),
                (good.certificate, locked, r"tls\.key: .*locked\.key.* encrypted"),
                (good.key, good.key, r"tls\.certificate: .* private key and no certificate"),
                (good.certificate, good.certificate, r"tls\.key: .* no private key"),
                (good.certificate, self.folder / "absent", r"tls\.key: .*absent.*No such file")):
            with self.subTest(pattern):
                self.problems(pair(certificate, key), pattern)

    def test_an_expired_certificate_starts_with_a_warning(self):
        expired = self.authority.make_expired("expired", "app.example")
        file = self.write(self.config(self.tls_listener(expired), 1))
        done = self.cli("check", "--config", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"warning: .*listen\[0\]\.tls\.certificate: .*expired on 2020-02-01")
        keepsake = self.start_tls(expired)
        self.assertRegex(keepsake.text, "expired on 2020-02-01")
        self.assertIn("certificate has expired", self.s_client(keepsake.port))
        self.assertEqual(self.fetch(keepsake.port, "/", "-k")[0], 200)


if __name__ == "__main__":
    unittest.main()

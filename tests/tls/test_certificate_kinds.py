"""Two certificates for one name, with keys of two kinds."""

import re
import subprocess

import world
from certificates import Pair, openssl
from support import PATIENCE


class TwoKinds(world.TestCase):
    RSA = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), ("-tls1_3", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256")

    def kind(self, port, *options, name="app.example"):
        said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *(["-servername", name] if name else ["-noservername"]),
                               "-brief", *options], input="", capture_output=True, text=True, timeout=PATIENCE).stderr
        found = re.search(r"Signature type: (\S+)", said)
        return found[1] if found else "none"

    def start(self, *pairs):
        pairs = ", ".join(pair.yaml("") for pair in pairs)
        return self.run_keepsake(self.config(f"[{{address: \"127.0.0.1:0\", tls: {{certificates: [{pairs}]}}}}]", self.backend().port))

    def self_signed(self, file, names, kind):
        how = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        pair = Pair(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        openssl("req", "-x509", "-newkey", *how, "-nodes", "-days", 2, "-keyout", pair.key, "-out", pair.certificate, "-subj", "/CN=x",
                "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names))
        return pair

    def test_each_client_gets_the_one_that_it_can_verify(self):
        ec = self.self_signed("ec", ["app.example"], "ec")
        rsa = self.self_signed("rsa", ["*.example", "app.example"], "rsa")
        other = self.self_signed("other", ["other.test"], "ec")
        for pairs in ((ec, rsa), (rsa, ec), (other, ec, rsa)):
            keepsake = self.start(*pairs)
            for name in ("app.example", "app.example."):
                self.assertEqual(self.kind(keepsake.port, name=name), "ECDSA")
                for options in self.RSA:
                    self.assertEqual(self.kind(keepsake.port, *options, name=name), "RSA-PSS", options)
        # The default certificate of the last one has one kind only.
        self.assertEqual(self.kind(keepsake.port, *self.RSA[0], name=None), "none")
        self.assertEqual(self.kind(self.start(ec, rsa).port, *self.RSA[0], name=None), "RSA-PSS")

    def test_the_kinds_may_be_spread_over_a_name_and_its_wildcard(self):
        keepsake = self.start(self.self_signed("ec", ["app.example"], "ec"), self.self_signed("rsa", ["*.example"], "rsa"))
        self.assertEqual(self.kind(keepsake.port), "ECDSA")
        self.assertEqual(self.kind(keepsake.port, *self.RSA[0]), "RSA-PSS")
        self.assertEqual(self.kind(keepsake.port, name="b.example"), "RSA-PSS")

    def test_check_tells_of_one_that_is_never_shown(self):
        pairs = [self.self_signed(file, ["app.example"], "ec") for file in ("one", "two")]
        text = self.config(f"[{{address: \"127.0.0.1:0\", tls: {{certificates: [{', '.join(pair.yaml('') for pair in pairs)}]}}}}]", 1)
        done = self.cli("check", "--config", self.write(text))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"certificates\[1\]\.certificate: the certificate \S+two\.crt is never shown")

"""Certificates for a test, made by the openssl program."""

import pathlib
import subprocess

CA_CONFIG = """\
[ca]
default_ca = it
[it]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl(*arguments, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pair:
    def __init__(self, certificate, key):
        self.certificate, self.key = certificate, key

    def yaml(self, more=""):
        return f"{{certificate: {self.certificate}, key: {self.key}{more}}}"


class Authority:
    """Signs what a test needs; its own certificate is `file`."""

    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.file, self.key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        openssl("req", "-x509", *self.new_key(), "-keyout", self.key, "-out", self.file, "-subj", f"/CN={name}",
                "-days", 30, "-addext", "basicConstraints=critical,CA:TRUE")

    @staticmethod
    def new_key():
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"

    def make(self, file, *names, subject=None, folder=None, self_signed=False):
        folder = pathlib.Path(folder or self.folder)
        pair = Pair(folder / f"{file}.crt", folder / f"{file}.key")
        signer = () if self_signed else ("-CA", self.file, "-CAkey", self.key)
        openssl("req", "-x509", *signer, *self.new_key(), "-keyout", pair.key, "-out", pair.certificate, "-days", 30,
                "-utf8", "-subj", subject or f"/CN={names[0]}",
                *(("-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names)) if names else ()),
                "-addext", "basicConstraints=CA:FALSE")
        return pair

    def make_expired(self, file, *names):
        pair = Pair(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        request, config = self.folder / f"{file}.csr", self.folder / "ca.cnf"
        openssl("req", *self.new_key(), "-keyout", pair.key, "-out", request, "-subj", f"/CN={names[0]}",
                "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names))
        config.write_text(CA_CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("77")
        openssl("ca", "-batch", "-notext", "-config", config, "-cert", self.file, "-keyfile", self.key, "-in", request,
                "-out", pair.certificate, "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
        return pair

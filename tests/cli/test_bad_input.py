import ctypes
import os
import unittest

from support import BIN, SECRET, Running, TestCase, environment, free_port, plain, taken_port

PLACE = r"keepsake\.yaml:%d:%d: "

# What is wrong, how to get there from the plain file, and what must be said.
MISTAKES = [
    ("no listener", lambda y: y.replace("listen: [{address: 127.0.0.1:0}]", "listen: []"),
     PLACE % (1, 9) + r"listen: is missing or empty, expected for example"),
    ("no backends", lambda y: y.replace('backends: {app: {servers: ["http://127.0.0.1:1"]}}', ""),
     r"backends: is missing or empty, expected for example"),
    ("no secrets", lambda y: y.replace("session: {secrets: [{env: SESSION_KEY}]}", "session: {}"),
     PLACE % (7, 10) + r"session\.secrets: .*missing.*`keepsake keygen`"),
    ("a secret in the file itself", lambda y: y.replace("{env: SESSION_KEY}", SECRET),
     PLACE % (7, 21) + r"session\.secrets\[0\]: .*env"),
    ("a secret file that is not there", lambda y: y.replace("{env: SESSION_KEY}", "{file: /nowhere/key}"),
     PLACE % (7, 28) + r"session\.secrets\[0\]\.file: .*/nowhere/key.*No such file"),
    ("a tab", lambda y: y.replace("  - {path: /reset", "\t- {path: /reset"), PLACE % (5, 1) + r".*[Tt]ab"),
    ("a key twice", lambda y: y + "workers: 1\nworkers: 2\n", PLACE % (10, 1) + r"workers: .*twice|already"),
    ("a key that nobody knows", lambda y: y + "worker: 2\n", PLACE % (9, 1) + r"worker: .*workers"),
    ("a word for a number", lambda y: y + "workers: many\n", PLACE % (9, 10) + r"workers: .*many"),
    ("a list for a map", lambda y: y + "timeouts: [1s]\n", PLACE % (9, 11) + r"timeouts: "),
    ("a duration without its unit", lambda y: y + "timeouts: {drain: 30}\n", PLACE % (9, 19) + r"timeouts\.drain: .*30s"),
    ("a backend that is not there", lambda y: y.replace("backend: app", "backend: ap"),
     PLACE % (6, 27) + r"routes\[2\]\.backend: .*app"),
    ("a variable that is not set", lambda y: y.replace("address: 127.0.0.1:0", 'address: "${NOWHERE}"'),
     PLACE % (1, 20) + r"listen\[0\]\.address: the environment variable NOWHERE is not set"),
    ("no YAML at all", lambda y: "<html>\n", r"keepsake\.yaml:1:"),
    ("an empty file", lambda y: "", r"keepsake\.yaml: listen: is missing"),
]

SECRETS = [
    ("not set", None, r"SESSION_KEY is not set.*keepsake keygen"),
    ("empty", "", r"is empty.*keepsake keygen"),
    ("short", SECRET[:31], r"has 31 bytes, expected 32 or more.*keepsake keygen"),
    ("one character", "x" * 64, r"one character repeated.*keepsake keygen"),
    ("from a manual", "change-me-change-me-change-me-change-me", r"sample from a manual.*keepsake keygen"),
]


class BadConfiguration(TestCase):
    def test_every_mistake_has_its_place_and_its_message(self):
        for what, change, expected in MISTAKES:
            text = change(plain())
            self.assertNotEqual(text, plain(), what)
            file = self.write(text)
            for command in ("check", "run"):
                with self.subTest(what=what, command=command):
                    self.fails(2, expected, command, "--config", file)

    def test_all_mistakes_are_said_at_once(self):
        file = self.write(plain() + "workers: many\nworker: 1\nlimits: {body: big}\n")
        lines = self.fails(2, "workers", "check", "--config", file).stderr.splitlines()
        self.assertEqual([line.split(":")[1] for line in lines], ["9", "10", "11"])

    def test_a_weak_secret_is_refused_with_the_remedy_and_not_repeated(self):
        file = self.write(plain())
        for what, secret, expected in SECRETS:
            for command in ("check", "run"):
                with self.subTest(what=what, command=command):
                    done = self.fails(2, r"keepsake\.yaml:7:2[17]: session\.secrets\[0\].*" + expected, command,
                                      "--config", file, SESSION_KEY=secret)
                    if secret:
                        self.assertNotIn(secret, done.stderr + done.stdout)

    def test_a_file_that_is_not_there(self):
        self.fails(2, r"nowhere\.yaml: cannot be read: No such file or directory", "run", "--config", "nowhere.yaml")

    def test_a_folder_without_a_file(self):
        self.fails(2, r"cannot be read: the folder holds no file that ends in \.yaml or \.yml", "check", "--config",
                   str(self.folder))

    def test_a_file_without_permission(self):
        file = self.write(plain())
        os.chmod(file, 0)
        self.fails(2, r"keepsake\.yaml: cannot be read: Permission denied", "run", "--config", file,
                   preexec_fn=obey_permissions)

    def test_a_secret_file_without_permission(self):
        key = self.write(SECRET, "key")
        os.chmod(key, 0)
        file = self.write(plain().replace("{env: SESSION_KEY}", f"{{file: {key}}}"))
        said = self.fails(2, rf"session\.secrets\[0\]\.file: .*\(Permission denied for user {os.geteuid()}\)$", "run",
                          "--config", file, preexec_fn=obey_permissions).stderr
        self.assertNotIn("keygen", said)  # which would write over a secret that is there


def obey_permissions():
    """root reads everything; what it executes after this does not."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2, 10):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE
            if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
                raise OSError(ctypes.get_errno(), "prctl")


class PortInUse(TestCase):
    REMEDY = r"cannot listen on 127\.0\.0\.1:%d: the address is in use"

    def test_by_another_program(self):
        with taken_port() as port:
            self.fails(1, r"keepsake\.yaml: listen: " + self.REMEDY % port, "run", "--config", self.write(plain(port)))

    def test_by_another_program_that_would_share_it(self):
        with taken_port(reuse=True) as port:
            self.fails(1, self.REMEDY % port, "run", "--config", self.write(plain(port)))

    def test_by_another_keepsake(self):
        first = self.start(plain())
        self.fails(1, self.REMEDY % first.port, "run", "--config", self.write(plain(first.port), "second.yaml"))

    def test_of_the_admin_listener(self):
        with taken_port() as port:
            text = plain(more=f'admin: {{address: "127.0.0.1:{port}"}}\n')
            self.fails(1, r"keepsake\.yaml: admin\.address: " + self.REMEDY % port, "run", "--config", self.write(text))

    def test_an_address_of_another_machine(self):
        text = plain(free_port()).replace("127.0.0.1:", "192.0.2.1:", 1)
        self.fails(1, r"cannot listen on 192\.0\.2\.1:\d+: Cannot assign requested address", "run", "--config",
                   self.write(text))

    def test_a_port_that_only_root_may_open(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as first:
            if int(first.read()) <= 1:
                self.skipTest("here everybody may open every port")
        self.fails(1, r"cannot listen on 127\.0\.0\.1:1: Permission denied; .*CAP_NET_BIND_SERVICE.*keepsake\.socket", "run",
                   "--config", self.write(plain(1)), preexec_fn=obey_permissions)

    def test_a_unix_socket_that_somebody_listens_on(self):
        text = plain().replace("127.0.0.1:0", f'"unix:{self.folder}/web.sock"')
        first = Running([BIN, "run", "--config", self.write(text)], env=environment())
        self.addCleanup(first.kill)
        first.said("sessions: ")
        self.fails(1, r"cannot listen on unix:.*/web\.sock: the address is in use", "run", "--config",
                   self.write(text, "second.yaml"))


if __name__ == "__main__":
    unittest.main()

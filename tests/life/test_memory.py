"""What a process still knows of a secret that it no longer uses: nothing."""

import hashlib
import hmac
import pathlib
import re

from support import free_port, set_name
from support_life import LifeCase, at, listening, until


def hkdf(secret, info):
    key = hmac.new(bytes(32), secret, hashlib.sha256).digest()
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()


def memory_has(pid, wanted):
    """Which of these bytes are somewhere in the writable memory of a process."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if not rights.startswith("rw") or "[v" in line:
                continue
            begin, end = int(begin, 16), int(end, 16)
            tail = b""
            for at_byte in range(begin, end, 1 << 20):
                try:
                    memory.seek(at_byte)
                    piece = memory.read(min(1 << 20, end - at_byte))
                except OSError:
                    break
                found |= {name for name, value in wanted.items() if value in tail + piece}
                tail = piece[-64:]
    return found


class Secrets(LifeCase):
    def test_a_secret_that_was_taken_out_is_gone_and_so_are_its_keys(self):
        old, new = "old-" + "0123456789abcdef" * 3, "new-" + "fedcba9876543210" * 3
        traces = {"the text": old.encode(), "the sealing key": hkdf(old.encode(), b"keepsake sealed v1 key"),
                  "the store's key": hkdf(old.encode(), b"keepsake store v1 key")}
        file = self.write(old + "\n", "secret")
        backend, port = self.demo_backend(), free_port()
        text = listening(at(port), backend=backend, more="workers: 2\n").replace("{env: SESSION_KEY}", f"{{file: {file}}}")
        keepsake = self.start(text)
        set_name(port, "Ann")
        try:
            known = memory_has(keepsake.child.pid, traces)
        except PermissionError:
            self.skipTest("the memory of another process may not be read here")
        self.assertIn("the text", known)
        self.assertIn("the sealing key", known)
        self.write(new, "secret")
        keepsake.reload(text, "reloaded")
        set_name(port, "Ben")  # the workers have turned to the new one
        set_name(port, "Cid")
        left = traces

        def gone():
            nonlocal left
            left = memory_has(keepsake.child.pid, traces)
            return not left
        try:
            until("nothing of it is left", gone)
        except AssertionError:
            self.fail(f"still there: {left}")

    def test_a_file_that_is_refused_leaves_no_secret_behind(self):
        secret = "refused-" + "0123456789abcdef" * 3
        file = self.write(secret, "secret")
        text = listening(at(free_port()), backend=1)
        keepsake = self.start(text)
        keepsake.reload(text.replace("{env: SESSION_KEY}", f"{{file: {file}}}") + "nonsense: 1\n", "reload refused")
        try:
            self.assertEqual(memory_has(keepsake.child.pid, {"the text": secret.encode()}), set())
        except PermissionError:
            self.skipTest("the memory of another process may not be read here")

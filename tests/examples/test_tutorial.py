import os
import re
import signal
import subprocess

import support
from support import ROOT, TestCase, free_port

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)

class Tutorial(TestCase):
    """MOVING-FLASK.md as a reader follows it: files are saved, commands run in one shell, and what they print is what the
    document shows."""

    def test_moving_a_flask_application(self):
        app, keepsake = free_port(), free_port()
        text = (ROOT / "config/MOVING-FLASK.md").read_text().replace("5000", str(app)).replace("8080", str(keepsake))
        shell = subprocess.Popen(["bash", "--norc"], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                 env={**os.environ, "PATH": f"{support.BIN.parent}:/usr/bin:/bin"})
        self.addCleanup(shell.wait)
        self.addCleanup(lambda: os.killpg(shell.pid, signal.SIGKILL))

        def run(commands):
            shell.stdin.write(commands + "status=$?; echo; echo END $status\n")
            shell.stdin.flush()
            said = ""
            while not (end := re.search(r"\nEND (\d+)\n\Z", said)):
                line = shell.stdout.readline()
                self.assertNotEqual(line, "", said)
                said += line
            self.assertEqual(end[1], "0", said)
            return said[:end.start()].rstrip("\n")

        said, compared = "", 0
        for kind, name, body in BLOCK.findall(text):
            if name:
                (self.folder / name).write_text(body)
            elif kind == "sh":
                said = run(body)
                for port in {int(found) for found in re.findall(r"port (\d+)", body)} | (
                        {keepsake} if "keepsake run" in body else set()):
                    support.until("it listens", lambda: support.socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            elif kind == "text":
                self.assertEqual(said, body.rstrip("\n"))
                compared += 1
        self.assertEqual(compared, 3)

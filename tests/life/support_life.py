"""What these tests have beyond those of the command line: a real backend that is quick, and looks at the kernel's
tables."""

import contextlib
import http.client
import pathlib
import re
import socket
import subprocess

from support import BIN, PATIENCE, TestCase, plain, until

DEMO = BIN.parent / "demo-backend"


class LifeCase(TestCase):
    def demo_backend(self):
        """The port of a demo-backend."""
        child = subprocess.Popen([DEMO, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return int(re.search(r":(\d+)$", child.stdout.readline())[1])

    def answers(self, port, path="/healthz"):
        """A connection of its own gets a 200."""
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        link.request("GET", path)
        status = link.getresponse().status
        link.close()
        self.assertEqual(status, 200)


def listening(*listeners, backend, more=""):
    """The plain configuration with these entries of `listen`."""
    text = plain(0, backend, more)
    return text.replace("listen: [{address: 127.0.0.1:0}]", "listen: [" + ", ".join(listeners) + "]")


def at(port, options=""):
    return f"{{address: 127.0.0.1:{port}{options}}}"


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        return False
    except ConnectionRefusedError:
        return True


def kept(port):
    """A connection that has had an answer, for more."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    ask(link)
    return link


def ask(link, path="/healthz"):
    """(status, whether the connection goes on)"""
    before = link.sock
    link.request("GET", path)
    answer = link.getresponse()
    answer.read()
    assert before is None or link.sock is before or link.sock is None, "a new connection was made"
    return answer.status, answer.headers.get("Connection") != "close"


def sockets_of(port):
    """The inodes of the listening sockets of a port: a socket that is another one has another inode."""
    wanted = f":{port:04X}"
    return {line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1].endswith(wanted) and line.split()[3] == "0A"}


def children(pid):
    """Processes whose parent is `pid`."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def ended(keepsake):
    """The exit code of one whose standard error a successor goes on to use."""
    return keepsake.child.wait(PATIENCE)


def gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


__all__ = ["BIN", "DEMO", "PATIENCE", "LifeCase", "ask", "at", "children", "ended", "gone", "kept", "listening", "plain",
           "refuses", "sockets_of", "until"]

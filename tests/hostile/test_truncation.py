import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from world import Backend, World, read_replies, read_to_end, support
import reference

# A backend as a process of its own, so that it can be killed. It answers the first request with the bytes of
# its argument and then reads until it dies.
KILLED = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
link, _ = listener.accept()
got = b""
while b"\\r\\n\\r\\n" not in got:
    got += link.recv(65536)
link.sendall(sys.argv[1].encode("latin-1").decode("unicode_escape").encode("latin-1"))
while link.recv(65536):
    pass
"""
HEAD = "HTTP/1.1 200 OK\\r\\n"
CUT = {
    "a length": HEAD + "Content-Length: 1000\\r\\n\\r\\nhello",
    "a length and nothing yet": HEAD + "Content-Length: 1000\\r\\n\\r\\n",
    "chunks": HEAD + "Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n",
    "half a chunk": HEAD + "Transfer-Encoding: chunked\\r\\n\\r\\nff\\r\\nhello",
    "half a chunk line": HEAD + "Transfer-Encoding: chunked\\r\\n\\r\\n5",
    "a last chunk without its end": HEAD + "Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\n",
    "half a trailer": HEAD + "Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n0\\r\\nT: v\\r\\n",
}


class KilledBackend:
    def __init__(self, answer):
        self.child = subprocess.Popen([sys.executable, "-c", KILLED, answer], stdout=subprocess.PIPE, text=True)
        self.port = int(self.child.stdout.readline())

    def close(self):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


class Responses(support.TestCase):
    def kill_in_the_middle(self, answer, minor):
        backend = KilledBackend(answer)
        world = World(self.folder, backend=backend)
        self.addCleanup(world.close)
        with world.connect() as link:
            link.sendall(b"GET / HTTP/1.%d\r\nHost: h\r\n\r\n" % minor)
            got = b""
            while b"\r\n\r\n" not in got:
                got += link.recv(65536)
            os.kill(backend.child.pid, signal.SIGKILL)
            rest, reset = read_to_end(link)
        world.close()
        return got + rest, reset

    def test_a_killed_backend_never_looks_as_if_it_had_finished(self):
        for what, answer in CUT.items():
            for minor in (1, 0):
                with self.subTest(what=what, minor=minor):
                    got, reset = self.kill_in_the_middle(answer, minor)
                    # A client of HTTP/1.0 gets no chunks: the close delimits its body, and only a reset shows the loss.
                    self.assertEqual(reset, minor == 0 and "chunked" in answer, got)
                    [reply], _ = read_replies(got, [b"GET"], not reset)
                    self.assertFalse(reply.whole, got)
                    self.assertEqual(b"hello" in reply.body, "hello" in answer, got)

    def test_a_backend_killed_before_its_answer_is_a_bad_gateway(self):
        backend = KilledBackend("HTTP/1.1 200 OK\\r\\nContent-Le")
        world = World(self.folder, backend=backend)
        self.addCleanup(world.close)
        with world.connect() as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            time.sleep(0.1)  # the half head is on its way; whether it has come makes no difference
            os.kill(backend.child.pid, signal.SIGKILL)
            got, reset = read_to_end(link)
        self.assertEqual((got[9:12], reset), (b"502", False))


class Uploads(support.TestCase):
    """Half a request never reaches the backend as a whole one, whatever way its client went."""

    HALVES = {
        "a length": b"Content-Length: 1000\r\n\r\nhello",
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "half a chunk": b"Transfer-Encoding: chunked\r\n\r\nff\r\nhello",
        "half a chunk line": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0",
        "a last chunk without its end": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "half a trailer": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n",
    }

    def leave(self, link, how):
        if how == "reset":
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "half-close":
            link.shutdown(socket.SHUT_WR)
            got, _ = read_to_end(link)
            self.assertIn(got[9:12], (b"", b"400"))
        link.close()

    def test_half_an_upload_is_never_whole(self):
        world = World(self.folder)
        self.addCleanup(world.close)
        for what, half in self.HALVES.items():
            for how in ("close", "reset", "half-close"):
                with self.subTest(what=what, how=how):
                    cut = len(world.backend.cut)
                    link = world.connect()
                    link.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + half)
                    support.until("the backend has its half", lambda: self.reached(world.backend))
                    self.leave(link, how)
                    support.until("the backend sees the end", lambda: len(world.backend.cut) > cut)
                    self.assertEqual(world.backend.requests, [])
                    meaning, _ = reference.read_request(world.backend.cut[-1])
                    self.assertIsInstance(meaning, reference.Incomplete)

    def test_half_a_form_harms_nobody(self):
        world = World(self.folder)
        self.addCleanup(world.close)
        form = (b"POST /setName HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                b"Content-Length: 8\r\n\r\nname=Ada")
        for how in ("close", "reset", "half-close"):
            for size in range(1, len(form)):
                link = world.connect()
                link.sendall(form[:size])
                self.leave(link, how)
            self.assertEqual(world.send(form)[0][9:12], b"303")
        self.assertIsNone(world.keepsake.child.poll())

    def reached(self, backend):
        return any(b"hello" in bytes(key.data) for key in list(backend.selector.get_map().values())
                   if key.data is not None)

    def test_a_killed_proxy_completes_nothing(self):
        for what, half in self.HALVES.items():
            with self.subTest(what=what):
                world = World(self.folder)
                self.addCleanup(world.close)
                with world.connect() as link:
                    link.sendall(b"POST / HTTP/1.1\r\nHost: h\r\n" + half)
                    support.until("the backend has its half", lambda: self.reached(world.backend))
                    world.keepsake.child.kill()
                    support.until("the backend sees the end", lambda: world.backend.cut)
                    self.assertEqual(world.backend.requests, [])


if __name__ == "__main__":
    unittest.main()

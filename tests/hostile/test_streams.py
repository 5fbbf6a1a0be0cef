import os
import socket
import statistics
import threading
import time
import unittest

from world import World, support

LONG = os.environ.get("HOSTILE") == "long"
GIB = 1 << 30
TOTAL = 10 * GIB if LONG else GIB // 4
SLOWLY = 60.0 if LONG else 2.0  # seconds of 1 MiB a second, then at full speed
BLOCK = memoryview(bytes(1 << 20))


class Pipe:
    """A backend of one thread per link that pours out TOTAL bytes, or swallows what it gets, at the speed asked for."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with link:
            got = b""
            while b"\r\n\r\n" not in got:
                piece = link.recv(65536)
                if not piece:
                    return
                got += piece
            head, _, body = got.partition(b"\r\n\r\n")
            target = head.split(b" ")[1]
            if target.startswith(b"/up/"):
                swallow(link, int(target.split(b"/")[2]) - len(body), float(target.split(b"/")[3]))
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            elif target.startswith(b"/down/"):
                total = int(target.split(b"/")[2])
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % total)
                pour(link, total)
            elif target == b"/events":
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                for _ in range(100):
                    link.sendall(b"data: %d\n\n" % time.monotonic_ns())
                    time.sleep(0.01)

    def close(self):
        self.listener.close()


def pour(link, total):
    while total > 0:
        total -= link.send(BLOCK[:min(total, len(BLOCK))])


def swallow(link, total, slowly):
    """Reads `total` bytes, 1 MiB a second for `slowly` seconds and then as fast as they come, unseen."""
    buffer = bytearray(1 << 20)
    begin, taken = time.monotonic(), 0
    while taken < total:
        most = len(buffer)
        if time.monotonic() - begin < slowly:
            most = 1 << 16
            time.sleep(1 / 16)
        n = link.recv_into(buffer, min(most, total - taken), socket.MSG_TRUNC)
        if n == 0:
            raise AssertionError(f"ended after {taken} of {total} bytes")
        taken += n


class Streams(support.TestCase):
    def setUp(self):
        super().setUp()
        self.pipe = Pipe()
        self.world = World(self.folder, "log: {access: false}\nlimits: {body: 20GiB}\n", backend=self.pipe)
        self.addCleanup(self.world.close)

    def resident(self):
        with open(f"/proc/{self.world.keepsake.child.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def down(self, total, slowly):
        with self.world.connect() as link:
            link.sendall(b"GET /down/%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" % total)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += link.recv(1)
            self.assertIn(b" 200 ", head)
            swallow(link, total, slowly)
            self.assertEqual(link.recv(1), b"")

    def up(self, total, slowly):
        with self.world.connect() as link:
            link.settimeout(600)
            link.sendall(b"POST /up/%d/%f HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                         % (total, slowly, total))
            pour(link, total)
            self.assertIn(b" 200 ", link.recv(1000))

    def watched(self, transfer):
        transfer(64 << 20, 0.2)  # what is allocated once is there
        before, peak, done = self.resident(), 0, threading.Event()

        def watch():
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, self.resident())
        watcher = threading.Thread(target=watch)
        watcher.start()
        begin = time.monotonic()
        try:
            transfer(TOTAL, SLOWLY)
        finally:
            done.set()
            watcher.join()
        print(f"     {TOTAL / GIB:g} GiB in {time.monotonic() - begin:.1f} s, {SLOWLY:g} s of them at 1 MiB/s; resident "
              f"{before} KiB before, {peak} KiB at most", flush=True)
        self.assertLess(peak - before, 1024)

    def test_a_long_response_to_a_slow_reader_takes_no_memory(self):
        self.watched(self.down)

    def test_a_long_upload_to_a_slow_backend_takes_no_memory(self):
        self.watched(self.up)

    def test_an_event_arrives_within_50_ms(self):
        with self.world.connect() as link:
            link.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            late, got = [], b""
            while piece := link.recv(65536):
                now = time.monotonic_ns()
                got += piece
                while b"data: " in got and b"\n\n" in got[got.index(b"data: "):]:
                    event, _, got = got[got.index(b"data: ") + 6:].partition(b"\n\n")
                    late.append((now - int(event)) / 1e6)
        self.assertEqual(len(late), 100)
        print(f"     events took {statistics.median(late):.2f} ms in the middle, {max(late):.2f} ms at most", flush=True)
        self.assertLess(sorted(late)[95], 50)  # a busy machine may hold up the test itself


if __name__ == "__main__":
    unittest.main()

import contextlib
import os
import resource
import socket
import time
import unittest

from world import CONFIG, World, read_to_end, support

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
SHORT = "log: {access: false}\ntimeouts: {header: 2s, body: 2s, idle: 2s, write: 2s, response: 2s}\n"


def descriptors(world):
    return len(os.listdir(f"/proc/{world.keepsake.child.pid}/fd"))


def try_to_connect(world):
    link = socket.socket()
    link.settimeout(support.PATIENCE)
    link.connect(("127.0.0.1", world.port))
    return link


class Floods(support.TestCase):
    """Clients that take what there is; each time the program lives, answers others, and gets everything back."""

    def start(self, more):
        # Links to the backend do not idle for long: what is left in the end is what was there before.
        world = World(self.folder, more, CONFIG.replace("ejection", "keepalive: {idle_timeout: 1s}, ejection"))
        self.addCleanup(world.close)
        self.assertEqual(world.send(GET, half_close=False)[0][9:12], b"200")
        return world

    def served(self, world):
        return world.send(GET, half_close=False)[0][9:12] == b"200"

    def calm(self, world, before):
        support.until("all descriptors are back", lambda: descriptors(world) <= before)
        self.assertTrue(self.served(world))

    def flood(self, world, count, data=b""):
        links = [try_to_connect(world) for _ in range(count)]
        for link in links:
            if data:
                with contextlib.suppress(OSError):
                    link.sendall(data)
        return links

    def test_descriptors_run_out_and_come_back(self):
        # The limit of connections is lowered to what the descriptors allow; a hard limit that something else
        # eats up is what is left: here the limit sinks while the program runs.
        world = self.start(SHORT)
        before = descriptors(world)
        resource.prlimit(world.keepsake.child.pid, resource.RLIMIT_NOFILE, (before + 20, before + 20))
        links = self.flood(world, 100, b"GET / HTTP/1.1\r\nHo")
        world.keepsake.said("cannot accept connections")
        ended = time.monotonic() + 30
        for link in links:  # those that were accepted are told, the others follow when there is room
            link.settimeout(max(0.1, ended - time.monotonic()))
            with contextlib.suppress(OSError):
                self.assertIn(link.recv(1000)[9:12], (b"408", b"", b"503"))
            link.close()
        self.calm(world, before)

    def test_descriptors_run_out_between_client_and_backend(self):
        world = self.start(SHORT)
        before = descriptors(world)
        resource.prlimit(world.keepsake.child.pid, resource.RLIMIT_NOFILE, (before + 8, before + 8))
        links = self.flood(world, 30, GET)
        statuses = [read_to_end(link)[0][9:12] for link in links]
        for link in links:
            link.close()
        self.assertLessEqual(set(statuses), {b"200", b"503", b"502"})
        self.assertIn(b"200", statuses)
        self.calm(world, before)

    def test_a_flood_of_connections(self):
        world = self.start("limits: {connections: 100}\n" + SHORT)
        before = descriptors(world)
        for _ in range(5):
            links = self.flood(world, 400)
            for link in links:
                link.close()
        self.calm(world, before)
        links = self.flood(world, 100, b"G")
        refused = try_to_connect(world)  # they are accepted in their order
        answer, reset = read_to_end(refused)
        self.assertEqual((answer[9:12], reset), (b"503", False))
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertIn(b"\r\nRetry-After: ", answer)
        for link in [*links, refused]:
            link.close()
        self.calm(world, before)

    def test_one_client_cannot_take_all(self):
        world = self.start("limits: {connections_per_client: 10}\n" + SHORT)
        before = descriptors(world)
        greedy = self.flood(world, 10, b"GET /")
        with try_to_connect(world) as refused:
            self.assertEqual(read_to_end(refused)[0][9:12], b"503")
        other = socket.socket()
        other.bind(("127.0.0.2", 0))
        other.connect(("127.0.0.1", world.port))
        other.sendall(GET)
        self.assertEqual(read_to_end(other)[0][9:12], b"200")
        for link in [*greedy, other]:
            link.close()
        self.calm(world, before)

    def test_slow_heads_slow_bodies_and_idlers_all_end(self):
        world = self.start(SHORT)
        before = descriptors(world)
        heads = self.flood(world, 60, b"GET / HTTP/1.1\r\n")
        bodies = self.flood(world, 60, b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")
        idle = self.flood(world, 60, GET.replace(b"close", b"keep-alive"))
        silent = self.flood(world, 60)
        end = time.monotonic() + support.PATIENCE
        dripping = set(heads)
        while dripping and time.monotonic() < end:
            for link in list(dripping):
                try:
                    link.sendall(b"X")
                    link.setblocking(False)
                    if link.recv(1, socket.MSG_PEEK) is not None:
                        dripping.discard(link)
                except BlockingIOError:
                    pass
                except OSError:
                    dripping.discard(link)
                link.settimeout(support.PATIENCE)
            self.assertTrue(self.served(world))  # others do not notice
            time.sleep(0.2)
        self.assertEqual([read_to_end(link)[0][9:12] for link in heads], [b"408"] * 60)
        self.assertEqual([read_to_end(link)[0][9:12] for link in bodies], [b"408"] * 60)
        for link in idle:
            self.assertEqual(read_to_end(link)[0].count(b"HTTP/1.1"), 1)
        self.assertEqual([read_to_end(link) for link in silent], [(b"", False)] * 60)
        for link in heads + bodies + idle + silent:
            link.close()
        self.calm(world, before)

    def test_readers_that_stall(self):
        world = self.start(SHORT)
        big = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n\r\n"

        def answer(seen):
            return (big + bytes(20_000_000), False) if seen.target == b"/big" else (b"HTTP/1.1 204 No\r\n\r\n", False)
        world.backend.answer = answer
        link = try_to_connect(world)
        link.sendall(GET.replace(b"/ ", b"/big "))
        start = time.monotonic()
        support.until("it is cut off", lambda: ended_early(link), 15)
        self.assertGreaterEqual(time.monotonic() - start, 1.9)
        link.close()


def ended_early(link):
    """Whether the kernel knows of a reset, without reading anything."""
    return link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


if __name__ == "__main__":
    unittest.main()

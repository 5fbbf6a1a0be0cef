"""What name servers say, and what becomes of it: nothing, something else, a thousand addresses."""

import collections
import socket
import threading
import unittest

import names
from support import TestCase, plain, request, until

ONE_WORKER = "workers: 1\n"  # that has heard of an answer as soon as one request goes by it


class Everywhere:
    """Listens at every address of this machine, and knows at which it was asked."""

    def __init__(self):
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.asked = collections.Counter()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                self.asked[link.getsockname()[0]] += 1
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = link.recv(65536)
                    if not piece:
                        break
                    data += piece
                link.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


@names.needs_compiler
class Names(TestCase):
    def begin(self, *addresses):
        self.file = self.folder / "names"
        self.say(*addresses)
        self.server = Everywhere()
        self.addCleanup(self.server.listener.close)
        self.text = plain(more=ONE_WORKER).replace("http://127.0.0.1:1", f"http://app.example:{self.server.port}")
        self.keepsake = self.start(self.text, **names.preload(self.folder, self.file))

    def say(self, *addresses):
        """In one step, as the program may be reading it."""
        new = self.folder / "names.new"
        new.write_text("".join(address + "\n" for address in addresses))
        new.rename(self.file)

    def ask(self):
        return request(self.keepsake.port, "/").status

    def test_an_answer_without_an_address_is_told_and_waited_out(self):
        self.begin()
        self.keepsake.said(r"cannot resolve http://app\.example:\d+: the answer has no address")
        self.assertEqual(self.ask(), 502)
        self.say("127.0.0.1")
        self.keepsake.said(r"http://app\.example:\d+ resolves again")
        until("it is used", lambda: self.ask() == 204)
        # From then on the last good answer stays.
        self.say()
        self.keepsake.said("the last answer stays in use")
        self.assertEqual({self.ask() for _ in range(10)}, {204})

    def test_another_answer_takes_the_place_of_the_last(self):
        self.begin("127.0.0.1", "127.0.0.2")
        until("both are used", lambda: self.ask() == 204 and len(self.server.asked) == 2)
        self.say("127.0.0.3", "127.0.0.2")
        until("the new one is used", lambda: self.ask() == 204 and "127.0.0.3" in self.server.asked)
        before = self.server.asked["127.0.0.1"]
        self.assertEqual({self.ask() for _ in range(20)}, {204})
        self.assertEqual(self.server.asked["127.0.0.1"], before)

    def test_of_a_thousand_addresses_64_are_used(self):
        self.begin(*(f"127.0.{i // 250}.{i % 250 + 1}" for i in range(1000)))
        until("it is used", lambda: self.ask() == 204)
        self.assertEqual({self.ask() for _ in range(300)}, {204})
        self.assertEqual(len(self.server.asked), 64)

    def test_a_thousand_dead_addresses_hold_nobody_up(self):
        self.begin(*(f"127.0.{i // 250}.{i % 250 + 1}" for i in range(1000)))
        until("it is used", lambda: self.ask() == 204)
        self.server.listener.close()
        with socket.socket() as probe:  # the thread that accepts has to notice
            until("nobody listens", lambda: probe.connect_ex(("127.0.0.1", self.server.port)) != 0)
        for _ in range(20):
            self.assertEqual(self.ask(), 502)
        self.assertIsNone(self.keepsake.child.poll())


if __name__ == "__main__":
    unittest.main()

"""Stands between keepsake and a real redis-server: passes commands on and replies back, says other replies where it is
told to, or nothing at all. So every error of a failover can be had at will, with real data behind it."""

import contextlib
import socket
import threading



class Gone(Exception):
    """The other end has closed its connection."""


def read_raw(file):
    """One reply or command as its bytes."""
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise Gone
    if line[:1] in b"*%~" and not line.startswith(b"*-1"):
        return line + b"".join(read_raw(file) for _ in range(int(line[1:]) * (2 if line[:1] == b"%" else 1)))
    if line[:1] == b"$" and not line.startswith(b"$-1"):
        return line + file.read(int(line[1:]) + 2)
    return line


def words_of(command):
    """The words of a command; they hold no line ends but in scripts and values, which the counts tell apart."""
    words, rest = [], command.partition(b"\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        words.append(rest[:int(size[1:])])
        rest = rest[int(size[1:]) + 2:]
    return words


class Between:
    def __init__(self, port):
        self.behind = port
        self.replies = {}        # command (or "*" for sessions' commands): an error in place of its reply
        self.silent = False      # takes commands, answers none
        self.refusing = False    # closes new connections at once
        self.seen = []           # names of commands
        self.lock = threading.Lock()
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                if self.refusing:
                    client.close()
                    continue
                with self.lock:
                    self.connections.append(client)
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def said_instead(self, words):
        name = words[0].decode().upper()
        self.seen.append(name)
        about_sessions = name in ("EVALSHA", "EVAL", "DEL", "WAIT")
        return self.replies.get(name) or (self.replies.get("*") if about_sessions else None)

    def serve(self, client):
        silenced = False  # a connection that lost its server stays so
        with contextlib.suppress(OSError, Gone), contextlib.closing(client), \
                contextlib.closing(socket.create_connection(("127.0.0.1", self.behind))) as server:
            commands, replies = client.makefile("rb"), server.makefile("rb")
            while True:
                command = read_raw(commands)
                silenced = silenced or self.silent
                if silenced:
                    continue
                instead = self.said_instead(words_of(command))
                if instead is None:
                    server.sendall(command)
                    instead = read_raw(replies)
                client.sendall(instead)

    def drop(self):
        """Every connection breaks."""
        with self.lock:
            for client in self.connections:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            self.connections.clear()

    def close(self):
        self.listener.close()
        self.drop()


def between(test, redis):
    """One for this test."""
    made = Between(redis.port)
    test.addCleanup(made.close)
    return made

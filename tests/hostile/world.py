"""The running program between raw bytes on both sides: a client that sends anything and reads strictly, and a
backend that writes down what reaches it and answers as it was told."""

import contextlib
import pathlib
import re
import selectors
import socket
import struct
import sys
import threading

import reference

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

PATIENCE = support.PATIENCE
CONFIG = """\
listen: [{address: 127.0.0.1:0}]
workers: 1
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], ejection: {failures: 1000000}}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}], headers: {X-Session-Name: myName}}
"""
QUIET = "log: {access: false}\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Seen:
    """A request as the backend got it, whole."""

    def __init__(self, raw, meaning):
        self.raw, self.body, self.method, self.target = raw, meaning.body, meaning.method, meaning.target
        head = raw.partition(b"\r\n\r\n")[0]
        self.line, *lines = head.split(b"\r\n")
        self.fields = [tuple(re.split(rb":[ \t]*", line, maxsplit=1)) for line in lines]
        self.fields = [(name, value.rstrip(b" \t")) for name, value in self.fields]

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]


class Backend(threading.Thread):
    """`answer(seen)` gives the bytes to send and whether to close behind them. What could not be read strictly is
    in `broken`, what ended within a message in `cut`."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.answer = lambda seen: (OK, False)
        self.requests, self.broken, self.cut = [], [], []
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.running = True
        self.start()

    def run(self):
        while self.running:
            for key, _ in self.selector.select(0.2):
                if key.data is None:
                    link, _ = self.listener.accept()
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(link, selectors.EVENT_READ, bytearray())
                else:
                    self.read(key.fileobj, key.data)

    def read(self, link, buffer):
        try:
            piece = link.recv(1 << 20)
        except ConnectionError:
            piece = b""
        buffer += piece
        if not piece:
            if buffer:
                self.cut.append(bytes(buffer))
            self.drop(link)
            return
        while buffer:
            meaning, used = reference.read_request(
                bytes(buffer), reference.Limits(128 * 1024, 1000, 128 * 1024, 1 << 40), injected=(), cookie=b"\0")
            if isinstance(meaning, reference.Incomplete):
                return
            if isinstance(meaning, reference.Refusal):
                self.broken.append((meaning.why, bytes(buffer)))
                self.drop(link)
                return
            seen = Seen(bytes(buffer[:used]), meaning)
            del buffer[:used]
            self.requests.append(seen)
            bytes_, close = self.answer(seen)
            with contextlib.suppress(ConnectionError):
                link.setblocking(True)
                link.sendall(bytes_)
                link.setblocking(False)
            if close:
                if close == "reset":
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.drop(link)
                return

    def drop(self, link):
        self.selector.unregister(link)
        link.close()

    def close(self):
        self.running = False
        self.join()
        self.listener.close()


class Reply:
    def __init__(self, head, body, whole, trailers=b""):
        self.head, self.body, self.whole, self.trailers = head, body, whole, trailers
        self.status = int(head[9:12])

    def values(self, name):
        return [value.strip(b" \t") for key, _, value in (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
                if key.lower() == name]

    def __repr__(self):
        return f"{self.head!r} {self.body[:80]!r} {'' if self.whole else 'CUT'}"


def read_replies(data, methods, ended=True):
    """Strictly: the final responses in `data`, and the interim ones; the last may be cut. Raises ValueError."""
    replies, interim = [], []
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            raise ValueError(f"half a head: {data[:200]!r}")
        if not re.fullmatch(rb"HTTP/1\.1 [1-9]\d\d [^\r\n\0]*", head.split(b"\r\n")[0]):
            raise ValueError(f"no status line: {head[:200]!r}")
        for line in head.split(b"\r\n")[1:]:
            if not reference.FIELD.fullmatch(line):
                raise ValueError(f"the line {line!r}")
        reply = Reply(head, b"", True)
        lengths, codings = reply.values(b"content-length"), reply.values(b"transfer-encoding")
        if len(lengths) + len(codings) > 1 or (codings and codings != [b"chunked"]) or (
                lengths and not lengths[0].isdigit()):
            raise ValueError(f"framing: {head!r}")
        data = rest
        if reply.status < 200:
            if lengths or codings:
                raise ValueError("an interim response with framing")
            interim.append(reply)
            continue
        method = methods[len(replies)] if len(replies) < len(methods) else b"GET"
        if method == b"HEAD" or reply.status in (204, 304):
            if reply.status == 204 and (lengths or codings):
                raise ValueError("204 with framing")
        elif codings:
            body = reference.read_chunks(data, reference.Limits(body=1 << 40))
            if isinstance(body, reference.Refusal):
                raise ValueError(f"chunks: {data[:300]!r}")
            if isinstance(body, reference.Incomplete):
                reply.body, reply.whole, data = data, False, b""
            else:
                reply.body, data = body[0], data[body[1]:]
        elif lengths:
            length = int(lengths[0])
            reply.body, data, reply.whole = data[:length], data[length:], len(data) >= length
        else:
            reply.body, data, reply.whole = data, b"", ended
        replies.append(reply)
    return replies, interim


class World:
    """Keepsake in front of the recording backend."""

    def __init__(self, folder, more=QUIET, config=CONFIG, backend=None, **variables):
        self.backend = backend or Backend()
        file = pathlib.Path(folder) / "keepsake.yaml"
        file.write_text(config.replace("BACKEND", str(self.backend.port)) + more)
        self.keepsake = support.Keepsake(str(file), **variables)
        self.port = self.keepsake.port

    def connect(self):
        link = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    def send(self, data, pieces=None, half_close=True):
        """Everything that comes back for `data`, and whether a reset ended it."""
        with self.connect() as link:
            with contextlib.suppress(ConnectionError):
                for piece in pieces or [data]:
                    link.sendall(piece)
                if half_close:
                    link.shutdown(socket.SHUT_WR)
            return read_to_end(link)

    def close(self):
        self.keepsake.kill()
        self.backend.close()


def read_to_end(link):
    received = b""
    try:
        while piece := link.recv(1 << 20):
            received += piece
    except ConnectionError:
        return received, True
    return received, False

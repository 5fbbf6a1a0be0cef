"""The pieces of code that stand in the documents, for tests that run them: what a reader copies is what is tested."""

import re
import socket
import threading

from support import ROOT

GUIDE = ROOT / "config/for-backends.md"


def fenced(language):
    """Every fenced piece in that language of the guide for those who write a backend."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)


def decoding_lines(language):
    """encoding -> the line of the guide that decodes it."""
    lines = {}
    for line in fenced(language)[0].splitlines():
        code, encoding = re.fullmatch(r"(.*\S)\s+(?:#|//) (percent|display_string|raw|base64|all: json)", line).groups()
        lines[encoding] = code
    return lines


class RawBackend:
    """Keeps the bytes of each head that it gets, and answers with nothing in it."""

    def __init__(self):
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                head = b""
                while b"\r\n\r\n" not in head:
                    piece = link.recv(65536)
                    if not piece:
                        break
                    head += piece
                if head:
                    self.heads.append(head)
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self):
        self.listener.close()

    def headers(self):
        """name in lower case -> bytes, of the last head."""
        lines = self.heads[-1].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        return {name.decode().lower(): value.strip(b" \t") for name, _, value in (line.partition(b":") for line in lines)}

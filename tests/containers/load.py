#!/usr/bin/env python3
"""Visitors that never rest: each has a name and looks at two pages, again and again; now and then it takes another
name. Whatever dies meanwhile, a page that comes must know its visitor.

  load.py http://HOST:PORT FOLDER

FOLDER/begun is made when all have names; FOLDER/enough, made by somebody else, ends it. Then every visitor looks
until it sees both pages once more. Prints "KNOWN STRANGER UNANSWERED FORGOTTEN": pages that knew the visitor,
pages that took it for somebody else, requests without such an answer, visitors not known at the end."""

import http.client
import pathlib
import sys
import threading
import time
import urllib.parse

VISITORS = 8
PATIENCE = 60  # seconds until a page has to come where everything is up
PAGES = ("/", "/foreign/")

authority = urllib.parse.urlsplit(sys.argv[1]).netloc
folder = pathlib.Path(sys.argv[2])
named = threading.Semaphore(0)
counts = {"known": 0, "stranger": 0, "unanswered": 0, "forgotten": 0}
lock = threading.Lock()


def count(what):
    with lock:
        counts[what] += 1


class Visitor(threading.Thread):
    def __init__(self, number):
        super().__init__(daemon=True)
        self.number = number
        self.cookie = None
        self.names = set()  # more than one after a change whose answer was lost
        self.changes = 0

    def request(self, method, path, body=None):
        """Status and text, or None where no answer came."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        link = http.client.HTTPConnection(authority, timeout=10)
        try:
            link.request(method, path, body, headers)
            answer = link.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            link.close()
        if answer.status < 400:
            for line in answer.headers.get_all("Set-Cookie", []):
                self.cookie = line.partition(";")[0]
        return answer.status, text

    def take_name(self):
        self.changes += 1
        name = f"visitor-{self.number}-{self.changes}-"
        answer = self.request("POST", "/setName", "name=" + name)
        if answer and answer[0] == 303:
            self.names = {name}
            return True
        if answer is None:
            self.names.add(name)
        count("unanswered")
        return False

    def look(self, path):
        """Whether a page came that knows the visitor; None where none came."""
        answer = self.request("GET", path)
        if not answer or answer[0] != 200:
            count("unanswered")
            return None
        seen = {name for name in self.names if name in answer[1]}
        if not seen:
            count("stranger")
            return False
        self.names = seen
        count("known")
        return True

    def run(self):
        while not self.take_name():
            time.sleep(0.1)
        named.release()
        turn = 0
        while not (folder / "enough").exists():
            turn += 1
            self.look(PAGES[turn % 2])
            if turn % 10 == 0:
                self.take_name()
            time.sleep(0.05)  # a visitor reads, and the machine has few cores
        end = time.monotonic() + PATIENCE
        for path in PAGES:
            while (known := self.look(path)) is None and time.monotonic() < end:
                time.sleep(0.1)
            if not known:
                count("forgotten")
                break


visitors = [Visitor(number) for number in range(VISITORS)]
for visitor in visitors:
    visitor.start()
for _ in visitors:
    named.acquire()
(folder / "begun").touch()
for visitor in visitors:
    visitor.join()
print(counts["known"], counts["stranger"], counts["unanswered"], counts["forgotten"])

#!/usr/bin/env python3
"""A seeded storm against keepsake: clients that abort, stall, pipeline and half-close; backends that
drip, lie, break off, are killed and restarted; a thousand visitors with their own names.

What must hold: nobody ever sees another visitor's name or another request's response, nothing hangs past
its timeout, and descriptors and memory return to where they began.

    storm.py [--seconds N] [--seed N] [--visitors N] [--threads] [--keepsake FILE]
"""
import argparse
import asyncio
import collections
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

CONFIG = """
listen: [{{address: "127.0.0.1:{port}"}}]
workers: 2
backends:
  app:
    servers: ["http://127.0.0.1:{a}", "http://127.0.0.1:{b}"]
    ejection: {{failures: 3, for: 1s}}
    keepalive: {{idle: 64, idle_timeout: 2s}}
routes:
  - {{path: /setName, set: {{myName: name}}, redirect: /}}
  - {{path: /reset, clear: true, redirect: /}}
  - {{path: "/*", backend: app}}
session:
  secrets: [{{env: SESSION_KEY}}]
  headers: {{X-Session-Name: myName}}
timeouts: {{header: 2s, body: 2s, idle: 3s, connect: 1s, response: 2s, write: 2s, drain: 5s}}
log: {{access: false, level: error}}
"""
# No step (a connect, a write, an answer) meets more than three of the timeouts one after the other, on a machine that
# is busy with the storm; in seconds of Patience.
HANG = 16.0


class Wrong(Exception):
    """A promise was broken."""


class Patience:
    """Time as the storm itself gets it: a tenth of a second for each of its heartbeats. On a machine that stands still
    or is busy with something else they come late, and nothing that waits meanwhile hangs."""

    def __init__(self):
        self.beats, self.longest = 0, {}

    def note(self, what, began):
        self.longest[what] = max(self.longest.get(what, 0.0), time.monotonic() - began)

    async def run(self):
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.1)
            self.note("standstill", began)
            self.beats += 1

    async def pause(self, seconds):
        end = self.beats + seconds * 10
        while self.beats < end:
            await asyncio.sleep(0.1)

    async def step(self, what, awaitable):
        task = asyncio.ensure_future(awaitable)
        end, began = self.beats + HANG * 10, time.monotonic()
        try:
            while not task.done():
                if self.beats >= end:
                    raise Wrong(f"{what} hung for {HANG} s, {time.monotonic() - began:.1f} s by the clock")
                await asyncio.wait([task], timeout=1)
            return task.result()
        finally:
            self.note(what, began)
            task.cancel()


class Backend:
    """Answers with the visitor's name and the request's nonce, in whatever way the nonce asks for."""

    def __init__(self, port, rng):
        self.port, self.rng = port, rng
        self.server, self.writers = None, set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, limit=1 << 20)

    async def kill(self):
        self.server.close()
        for writer in list(self.writers):
            writer.transport.abort()
        await self.server.wait_closed()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while await self.exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError,
                asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort()

    async def read_body(self, reader, head):
        length = re.search(rb"(?mi)^content-length: (\d+)\r$", head)
        if length:
            await reader.readexactly(int(length[1]))
        elif re.search(rb"(?mi)^transfer-encoding: chunked\r$", head):
            while True:
                size = int((await reader.readuntil(b"\r\n")).strip(), 16)
                await reader.readexactly(size + 2)
                if size == 0:
                    return

    async def exchange(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        nonce = re.search(rb"^\S+ /(\w+)/(\w+)", head)
        mode, nonce = nonce[1].decode(), nonce[2]
        name = re.search(rb"(?m)^X-Session-Name: (.*)\r$", head)
        body = b"nonce=" + nonce + b" name=" + (name[1] if name else b"-") + b"\n"
        if mode == "early":  # an answer before the body was read
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            await asyncio.sleep(0.05)
            return False
        await self.read_body(reader, head)
        ok = b"HTTP/1.1 200 OK\r\n"
        if mode == "ok":
            writer.write(ok + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        elif mode == "chunked":
            writer.write(ok + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")
        elif mode == "close":
            writer.write(ok + b"\r\n" + body)
            await writer.drain()
            writer.close()
            return False
        elif mode == "drip":
            writer.write(ok + b"Content-Length: %d\r\n\r\n" % len(body))
            for byte in body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.005)
        elif mode == "big":
            fill = b"x" * 400_000
            writer.write(ok + b"Content-Length: %d\r\n\r\n" % (len(body) + len(fill)) + body + fill)
        elif mode == "hint":
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok
                         + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        elif mode == "short":  # promises more than it sends
            writer.write(ok + b"Content-Length: %d\r\n\r\n" % (len(body) + 50) + body)
            await writer.drain()
            return False
        elif mode == "long":  # sends more than it promises: a response nobody asked for
            stray = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nnonce=STRAY!\n"
            writer.write(ok + b"Content-Length: %d\r\n\r\n" % len(body) + body + stray)
        elif mode == "garbage":
            writer.write(b"this is not http\r\n\r\n")
            await writer.drain()
            return False
        elif mode == "reset":
            writer.write(ok + b"Content-Length: 100000\r\n\r\n" + body)
            await writer.drain()
            writer.transport.abort()
            return False
        elif mode == "silent":
            await asyncio.sleep(3)
            return False
        await writer.drain()
        return self.rng.random() > 0.05  # sometimes closes after a good response: the keep-alive race


GOOD = ["ok", "ok", "ok", "chunked", "close", "drip", "big", "hint", "long", "early"]
BAD = ["short", "garbage", "reset", "silent"]


class Storm:
    def __init__(self, args):
        self.args, self.rng = args, random.Random(args.seed)
        self.count = collections.Counter()
        self.patience = Patience()
        self.serial = 0
        self.killing = 0  # backends that are down right now, or were a moment ago

    def request(self, visitor, mode, extra=b"", method=b"GET"):
        self.serial += 1
        nonce = f"n{self.serial}"
        cookie = visitor.get("cookie")
        head = b"%s /%s/%s HTTP/1.1\r\nHost: storm\r\n" % (method, mode.encode(), nonce.encode())
        if cookie:
            head += b"Cookie: a=1; session=" + cookie + b"; b=2\r\n"
        return nonce, head + b"X-Session-Name: forged\r\nx_session.name: forged\r\n" + extra + b"\r\n"

    async def connect(self):
        return await self.patience.step("a connect",
                                        asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))

    async def response(self, reader):
        return await self.patience.step("an answer", self.read_response(reader))

    async def read_response(self, reader):
        """(status, head, body, complete)"""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                break
        length = re.search(rb"(?mi)^content-length: (\d+)\r$", head)
        try:
            if length:
                return status, head, await reader.readexactly(int(length[1])), True
            if re.search(rb"(?mi)^transfer-encoding: chunked\r$", head):
                body = b""
                while True:
                    size = int((await reader.readuntil(b"\r\n")).split(b";")[0].strip(), 16)
                    body += (await reader.readexactly(size + 2))[:-2]
                    if size == 0:
                        return status, head, body, True
            return status, head, await reader.read(), True
        except (asyncio.IncompleteReadError, ConnectionError):
            return status, head, b"", False

    def judge(self, visitor, mode, nonce, answer, method=b"GET"):
        status, _, body, complete = answer
        self.count[f"{status}{'' if complete else ' cut'}"] += 1
        if status >= 500:
            if mode in ("ok", "chunked", "drip", "big", "hint") and self.killing == 0:
                self.count["unexpected 5xx"] += 1
                # A POST may have met a link that its backend was closing; a GET is sent again then.
                if status == 502 and method == b"GET":
                    raise Wrong(f"a GET ({mode}) was a bad gateway with both backends up")
            return
        if not complete:
            return
        if mode in BAD:
            raise Wrong(f"a broken response ({mode}) looked whole")
        said = re.search(rb"nonce=(\S+) name=(.*)\n", body)
        if not said:
            raise Wrong(f"not the answer to {nonce}: {body[:80]!r}")
        if said[1].decode() != nonce:
            raise Wrong(f"asked {nonce}, got the answer to {said[1]!r}")
        name = urllib.parse.unquote(said[2].decode())
        if name != visitor.get("name", "-"):
            raise Wrong(f"{visitor.get('name')!r} saw the name {name!r}")

    async def set_name(self, visitor):
        name = f"Visitor {visitor['id']} né {self.rng.randrange(10**9)} ✓"
        body = b"name=" + urllib.parse.quote_plus(name).encode()
        reader, writer = await self.connect()
        cookie = b"Cookie: session=" + visitor["cookie"] + b"\r\n" if visitor.get("cookie") else b""
        writer.write(b"POST /setName HTTP/1.1\r\nHost: storm\r\nConnection: close\r\n" + cookie
                     + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
                     % len(body) + body)
        status, head, _, _ = await self.response(reader)
        writer.close()
        cookie = re.search(rb"(?m)^Set-Cookie: session=([^;]+);", head)
        if status != 303 or not cookie:
            raise Wrong(f"setName answered {status}")
        visitor["cookie"], visitor["name"] = cookie[1], name
        self.count["set"] += 1

    async def plain(self, visitor):
        reader, writer = await self.connect()
        for _ in range(self.rng.randrange(1, 6)):
            mode = self.rng.choice(GOOD + BAD if self.rng.random() < 0.3 else GOOD)
            method, extra, body = b"GET", b"", b""
            if self.rng.random() < 0.3:
                method = b"POST"
                body = b"z" * self.rng.choice([1, 100, 70_000])
                if self.rng.random() < 0.5:
                    extra = b"Content-Length: %d\r\n" % len(body)
                else:
                    extra = b"Transfer-Encoding: chunked\r\n"
                    body = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 9000]), body[i:i + 9000])
                                    for i in range(0, len(body), 9000)) + b"0\r\n\r\n"
            nonce, request = self.request(visitor, mode, extra, method)
            writer.write(request + body)
            answer = await self.response(reader)
            self.judge(visitor, mode, nonce, answer, method)
            if not answer[3] or b"\r\nconnection: close\r\n" in answer[1].lower():
                break
        writer.close()

    async def pipeline(self, visitor):
        reader, writer = await self.connect()
        asked = [self.request(visitor, self.rng.choice(["ok", "chunked", "drip"])) for _ in range(5)]
        writer.write(b"".join(request for _, request in asked))
        for nonce, request in asked:
            mode = re.search(rb" /(\w+)/", request)[1].decode()
            answer = await self.response(reader)
            self.judge(visitor, mode, nonce, answer)
            if b"\r\nconnection: close\r\n" in answer[1].lower():
                break
        writer.close()

    async def abort(self, visitor):
        _, writer = await self.connect()
        _, request = self.request(visitor, self.rng.choice(["big", "drip", "silent", "ok"]))
        if self.rng.random() < 0.2:
            request = (b"POST /setName HTTP/1.1\r\nHost: storm\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       b"Content-Length: 9\r\n\r\nname=lost")[:-1]
        writer.write(request[: self.rng.randrange(1, len(request) + 1)])
        await self.patience.step("the write of an abort", writer.drain())
        await asyncio.sleep(self.rng.random() * 0.05)
        if self.rng.random() < 0.7:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        self.count["aborted"] += 1

    async def half_close(self, visitor):
        reader, writer = await self.connect()
        nonce, request = self.request(visitor, "drip")
        writer.write(request)
        writer.write_eof()
        self.judge(visitor, "drip", nonce, await self.response(reader))
        writer.close()

    async def stall(self, visitor):
        """Half a head, half a body, or nobody reading: must end by itself."""
        reader, writer = await self.connect()
        kind = self.rng.randrange(3)
        if kind == 0:
            writer.write(b"GET /ok/stall HTTP/1.1\r\nHost: sto")
        elif kind == 1:
            writer.write(self.request(visitor, "ok", b"Content-Length: 10\r\n", b"POST")[1] + b"abc")
        else:
            for _ in range(40):
                writer.write(self.request(visitor, "big")[1])
            await asyncio.sleep(4)
        while await self.patience.step(f"stall {kind}", reader.read(65536)):
            pass
        writer.close()
        self.count["stalled"] += 1

    async def client(self, end, visitors):
        kinds = [self.plain] * 10 + [self.pipeline] * 3 + [self.abort] * 4 + [self.half_close] * 2 + [self.stall]
        while time.monotonic() < end:
            visitor = self.rng.choice(visitors)
            action = self.set_name if self.rng.random() < 0.1 else self.rng.choice(kinds)
            if visitor.get("busy"):
                continue_with = dict(visitor)  # a copy of the cookie: what a second tab would hold
            else:
                continue_with = visitor
            if action == self.set_name and continue_with is not visitor:
                await asyncio.sleep(0)
                continue
            visitor["busy"] = True
            try:
                await action(continue_with)
            except (OSError, asyncio.IncompleteReadError):  # ENOTCONN is no ConnectionError
                self.count["connection ended"] += 1
            finally:
                if continue_with is visitor:
                    visitor["busy"] = False
            self.count[action.__name__] += 1

    async def assassin(self, end, backends):
        while time.monotonic() < end - 3:
            await asyncio.sleep(self.rng.uniform(1, 3))
            backend = self.rng.choice(backends)
            self.killing += 1
            await backend.kill()
            await asyncio.sleep(self.rng.uniform(0.05, 0.8))
            await backend.start()
            self.count["backend killed"] += 1
            await self.patience.pause(1.5)
            self.killing -= 1

    async def run(self):
        ports = [free_port() for _ in range(3)]
        self.port = ports[0]
        backends = [Backend(port, self.rng) for port in ports[1:]]
        for backend in backends:
            await backend.start()
        folder = tempfile.mkdtemp(prefix="keepsake-storm-")
        path = os.path.join(folder, "keepsake.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(port=ports[0], a=ports[1], b=ports[2]))
        environment = dict(os.environ, SESSION_KEY="storm-key-" + os.urandom(24).hex())
        # A small quarantine: memory that was given back is to be seen to be so.
        environment.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:detect_leaks=1:quarantine_size_mb=8")
        log = open(os.path.join(folder, "log"), "w+b")
        heart = asyncio.create_task(self.patience.run())
        process = subprocess.Popen([self.args.keepsake, "run", "--config", path], env=environment,
                                   stdout=log, stderr=log)
        try:
            await self.wait_until_up(process)
            visitors = [{"id": i} for i in range(self.args.visitors)]
            for visitor in visitors:
                await self.set_name(visitor)
            before = usage(process.pid)
            end = time.monotonic() + self.args.seconds
            tasks = [asyncio.create_task(self.client(end, visitors)) for _ in range(self.args.clients)]
            tasks.append(asyncio.create_task(self.assassin(end, backends)))
            await asyncio.gather(*tasks)
            if process.poll() is not None:
                raise Wrong(f"keepsake ended with {process.returncode}")
            await self.check_calm(process, before)
            for visitor in self.rng.sample(visitors, 20):
                visitor["busy"] = False
                await self.half_close(visitor)
            await self.check_calm(process, before)
            process.send_signal(signal.SIGTERM)
            if process.wait(60) != 0:
                raise Wrong(f"keepsake ended with {process.returncode} after SIGTERM")
        finally:
            heart.cancel()
            for what, seconds in self.patience.longest.items():
                self.count[f"longest {what} (ms)"] = round(seconds * 1000)
            if process.poll() is None:
                process.kill()
                process.wait()
            log.seek(0)
            text = log.read().decode(errors="replace")
            if "Sanitizer" in text or process.returncode != 0:
                print(text[-6000:])
        good = self.count["plain"] + self.count["pipeline"]
        if good < 20:
            raise Wrong("too little happened for this to mean anything")
        if self.count["unexpected 5xx"] > 0.01 * self.serial:
            raise Wrong(f"{self.count['unexpected 5xx']} unexpected 5xx of {self.serial} requests")

    async def wait_until_up(self, process):
        for _ in range(200):
            try:
                _, writer = await self.connect()
                writer.close()
                return
            except ConnectionError:
                if process.poll() is not None:
                    raise Wrong(f"keepsake did not start ({process.returncode})") from None
                await asyncio.sleep(0.1)
        raise Wrong("keepsake did not start")

    async def check_calm(self, process, before):
        """After the storm: idle connections have timed out, nothing has leaked."""
        for _ in range(240):
            await asyncio.sleep(0.25)
            fds, memory = usage(process.pid)
            if fds <= before[0] and self.count_clients(process.pid) == 0:
                break
        else:
            raise Wrong(f"descriptors stayed: {before[0]} before, {fds} after")
        self.count["descriptors before"], self.count["descriptors after"] = before[0], fds
        self.count["MiB before"], self.count["MiB after"] = before[1] >> 10, memory >> 10
        # What stays is bounded: 128 buffers and workspaces per worker, caches of the allocator. ThreadSanitizer
        # keeps the history of memory that was given back; how much of it there is says nothing.
        if not self.args.threads and memory > before[1] + 160 * 1024:  # KiB, under AddressSanitizer
            raise Wrong(f"memory grew from {before[1]} to {memory} KiB")

    def count_clients(self, pid):
        """Open server-side connections of the listening port."""
        wanted = f"0100007F:{self.port:04X}"
        with open(f"/proc/{pid}/net/tcp", encoding="ascii") as file:
            return sum(1 for line in file if line.split()[1] == wanted and line.split()[3] == "01")


def usage(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        memory = int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
    return len(os.listdir(f"/proc/{pid}/fd")), memory


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--threads", action="store_true", help="a build with ThreadSanitizer: memory is not judged")
    parser.add_argument("--keepsake", default=os.environ.get("KEEPSAKE_BIN",
                                                             os.path.join(root, "build/asan/bin/keepsake")))
    args = parser.parse_args()
    storm = Storm(args)
    try:
        asyncio.run(storm.run())
    except Wrong as wrong:
        print(f"seed {args.seed}: {wrong}")
        print(dict(storm.count))
        print("0 passed, 1 failed")
        return 1
    print(", ".join(f"{key}: {value}" for key, value in sorted(storm.count.items())))
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Requests at a steady rate for as long as a test needs them, by a process of its own: over kept-alive connections
and over new ones. Nothing is tried twice: whatever does not get its whole answer is lost, and said why."""

import asyncio
import collections
import json
import os
import subprocess
import sys
import time

KEPT, FRESH = 12, 8  # connections at once
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: load\r\n%s\r\n"


class Load:
    """What a test uses: begins when it is made."""

    def __init__(self, port, rate=1000):
        self.child = subprocess.Popen([sys.executable, "-B", __file__, str(port), str(rate)], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.child.stdout.readline() == "going\n"

    def stop(self):
        """{"answered": n, "lost": [why, ...], "went_over": n, "seconds": s}"""
        said, _ = self.child.communicate("stop\n", timeout=60)
        return json.loads(said)

    def kill(self):
        self.child.kill()
        self.child.communicate()


class Client:
    def __init__(self, port, rate):
        self.port, self.pause = port, (KEPT + FRESH) / rate
        self.answered = self.went_over = 0
        self.lost = collections.Counter()
        self.running = True

    async def answer(self, reader):
        """Whether the connection is kept for another request."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        if not lines[0].startswith(b"http/1.1 200"):
            raise ValueError(lines[0].decode())
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self.answered += 1
        return b"connection: close" not in lines

    async def run(self, kept):
        writer, due = None, time.monotonic()
        while self.running:
            due = max(due + self.pause, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            where = "connecting"
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                where = "kept" if kept else "fresh"
                writer.write(REQUEST % (b"" if kept else b"Connection: close\r\n"))
                again = await self.answer(reader)
                if kept and not again:
                    self.went_over += 1
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                self.lost[f"{where}: {type(error).__name__} {error}"] += 1
                again = False
            if writer is not None and not again:
                writer.close()
                writer = None
        if writer is not None:
            writer.close()


async def main():
    client = Client(int(sys.argv[1]), int(sys.argv[2]))
    began = time.monotonic()
    tasks = [asyncio.create_task(client.run(i < KEPT)) for i in range(KEPT + FRESH)]
    while client.answered == 0 and not client.lost:
        await asyncio.sleep(0.01)
    print("going", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    client.running = False
    await asyncio.gather(*tasks)
    print(json.dumps({"answered": client.answered, "went_over": client.went_over,
                      "seconds": time.monotonic() - began,
                      "lost": [f"{count} x {why}" for why, count in client.lost.items()]}), flush=True)


if __name__ == "__main__":
    os.nice(-5) if os.geteuid() == 0 else None
    asyncio.run(main())

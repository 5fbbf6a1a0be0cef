"""guard.sh: what a request costs in instructions and heap allocations, held against guard.json."""

import argparse
import json
import mmap
import os
import struct
import sys

import callgrind
import peers
import traffic
from bench import PATH, PLAIN_PATH, Bench
from measure import Load
from stage import Failure, Stage

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILE = os.path.join(HERE, "guard.json")
TOLERANCE = 0.03
# What still counts as none per request: 100 in 20 000 are a sweep's, a flush's, or those of a workspace for
# one more exchange at once than ever before; a request's would be 20 000.
NO_ALLOCATION = 0.005
CASES = (("plain", PLAIN_PATH, "session: false"), ("session", PATH, "session opened and injected"))


def allocations(bench, path):
    """Heap allocations per request, connections and start-up subtracted by a short and a long run."""
    counter = bench.stage.write("allocations", bytes(8))
    keepsake = bench.start("keepsake", env={
        "LD_PRELOAD": os.path.join(bench.stage.tools, "count_allocations.so"),
        "COUNT_ALLOCATIONS": counter})
    requests = bench.file(path, bench.cookies())
    with open(counter, "r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
        def run(count):
            before = struct.unpack("Q", shared[:8])[0]
            load = Load(bench.stage, keepsake.port, requests, count=count)
            load.go()
            if load.result()["requests"] != count:
                raise Failure("a request failed while allocations were counted")
            return struct.unpack("Q", shared[:8])[0] - before
        if struct.unpack("Q", shared[:8])[0] == 0:
            raise Failure("the allocation counter counts nothing (a static binary?)")
        run(4000)
        few, many = run(4000), run(24000)
    bench.stop(keepsake)
    return max(0.0, (many - few) / 20000)


class Verdict:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, good, text):
        self.passed += good
        self.failed += not good
        print(("ok    " if good else "FAIL  ") + text, flush=True)


def check(bench, committed, verdict):
    """Measures everything and judges it; without committed figures (None) only what needs none.
    Returns the instruction counts."""
    measured = {}
    cookies = bench.cookies()
    for name, path, words in CASES:
        requests = bench.file(path, cookies)
        for connections in (1, 64):
            key = f"{name}-{connections}"
            count = round(callgrind.instructions(bench.stage, "keepsake", requests, connections,
                                                 backend=bench.backend.port))
            measured[key] = count
            text = f"{count} instructions per request, {words}, {connections} client" + "s" * (connections > 1)
            if committed is None:
                print("      " + text, flush=True)
                continue
            was = committed.get(key)
            if was is None:
                verdict.say(False, text + "; no figure is committed: guard.sh --update")
                continue
            change = count / was - 1
            text += f" ({change:+.1%} of the committed {was})"
            if change < -TOLERANCE:
                text += "; better: commit it with guard.sh --update"
            verdict.say(change <= TOLERANCE, text)
        per_request = allocations(bench, path)
        verdict.say(per_request < NO_ALLOCATION, f"{per_request:.4f} heap allocations per request, {words}")
    return measured


def main():
    parser = argparse.ArgumentParser(
        prog="guard.sh", description="Instructions (callgrind) and heap allocations per request of keepsake, "
        f"one worker; fails at +{TOLERANCE:.0%} over guard.json and at any allocation.")
    parser.add_argument("--update", action="store_true", help="write the figures to guard.json")
    parser.add_argument("--nginx", action="store_true", help="count nginx too, for comparison")
    given = parser.parse_args()
    if not peers.available("keepsake"):
        print(f"guard.sh: {peers.keepsake_binary()} is not there: cmake --build --preset release",
              file=sys.stderr)
        return 2
    committed = None if given.update else {}
    if os.path.exists(FILE) and not given.update:
        with open(FILE) as file:
            committed = json.load(file)["instructions"]
    stage = Stage(os.environ["BENCH_TOOLS"])
    verdict = Verdict()
    try:
        bench = Bench(stage, None, 1, 1, True)
        measured = check(bench, committed, verdict)
        if given.update:
            with open(FILE, "w") as file:
                json.dump({"what": "user instructions per request by callgrind; guard.sh fails at +3 %",
                           "instructions": measured}, file, indent=2)
                file.write("\n")
            print(f"written to {FILE}")
        if given.nginx:
            requests = bench.file(PATH, bench.cookies())
            for connections in (1, 64):
                count = callgrind.instructions(stage, "nginx", requests, connections,
                                               backend=bench.backend.port)
                print(f"      {count:.0f} instructions per request, nginx plain, {connections} clients")
    except Failure as why:
        verdict.say(False, str(why))
    finally:
        stage.close()
    print(f"{verdict.passed} passed, {verdict.failed} failed")
    return 1 if verdict.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

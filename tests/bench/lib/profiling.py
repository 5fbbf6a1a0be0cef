"""Where the time of a request goes, by the programs and libraries it is spent in: what explains a target
that is missed. Samples say how the time is shared out; the time itself is measured without them."""

import collections
import os
import shutil
import signal
import subprocess
import time

from bench import LABELS, PATH, PLAIN_PATH
from measure import Load, Row, interleave, middle
from report import Result
from stage import Failure, tree

PARTS = ("kernel", "own code", "libc and libstdc++", "OpenSSL")
MOST = 12


def _part(object_name, program):
    name = os.path.basename(object_name)
    if name.startswith("[") and name != "[vdso]":
        return "kernel"
    if name.startswith(("libcrypto", "libssl")):
        return "OpenSSL"
    return "own code" if name == program else "libc and libstdc++"


def _samples(stage, row, seconds):
    """({part: share}, {function of its own code: share}) of one load."""
    data = stage.path(f"profile-{row.key}.data")
    load = Load(stage, row.peer.port, row.requests, seconds=seconds, **row.load)
    recorder = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", data, "-p",
                                 ",".join(map(str, tree(row.peer.pid)))],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.7)  # until it has attached; the load has not begun
    load.go()
    load.result()
    recorder.send_signal(signal.SIGINT)
    recorder.wait(20)
    shown = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-F", "sample,dso,sym",
                            "-s", "dso,sym", "-t", "\t"], capture_output=True, text=True).stdout
    program = os.path.basename(os.readlink(f"/proc/{tree(row.peer.pid)[-1]}/exe"))
    parts, functions = collections.Counter(), collections.Counter()
    for line in shown.splitlines():
        cells = [cell.strip() for cell in line.split("\t")]
        if line.startswith("#") or len(cells) < 3 or not cells[0].isdigit():
            continue
        part = _part(cells[1], program)
        parts[part] += int(cells[0])
        if part == "own code":
            name = cells[2].removeprefix("[.] ").replace("(anonymous namespace)::", "").replace("keepsake::", "")
            functions[name.split("(")[0]] += int(cells[0])
    total = sum(parts.values())
    if not total:
        raise Failure("perf recorded nothing")
    return ({part: count / total for part, count in parts.items()},
            {name: count / total for name, count in functions.items()})


def profile(bench):
    """Where the time of a request goes (perf)."""
    if not shutil.which("perf"):
        raise Failure("perf is not installed (Debian: linux-perf)")
    result = Result("profile", "Where the time of a request goes, 64 keep-alive clients")
    running = bench.start_all(("relay", "nginx", "haproxy", "keepsake"))
    rows = bench.rows(running)
    if "keepsake" in running:
        running["keepsake-calls"] = bench.start("keepsake", io_uring=False)
        rows.append(Row("keepsake-calls", LABELS["keepsake-calls"], running["keepsake-calls"],
                        bench.file(PATH, bench.cookies())))
        rows.append(Row("keepsake-plain", LABELS["keepsake-plain"], running["keepsake"],
                        bench.file(PLAIN_PATH, bench.cookies())))
    samples = interleave(bench, rows)
    table = result.table("CPU per request", "all", *PARTS)
    for row in rows:
        parts, functions = _samples(bench.stage, row, 2 * bench.seconds)
        us = middle(samples[row.key], "us")
        table.add(row.label, f"{us:.1f} µs", *(f"{us * parts.get(part, 0):.2f} µs" for part in PARTS))
        if row.key == "keepsake":
            most = sorted(functions.items(), key=lambda pair: -pair[1])[:MOST]
            result.notes.append("Of keepsake's own code with a session, the most by function: " + ", ".join(
                f"`{name}` {us * share:.2f}" for name, share in most) + " µs.")
    bench.stop(*running.values())
    return result

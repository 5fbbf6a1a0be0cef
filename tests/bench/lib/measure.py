"""One measurement of one row, rounds of them interleaved, and the medians over the rounds."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from statistics import median

from stage import Failure, cpu_seconds, machine_busy_seconds, tree


class Row:
    """A line of a table: a peer, what is sent to it and how."""

    def __init__(self, key, label, peer, requests, **load):
        self.key, self.label, self.peer, self.requests, self.load = key, label, peer, requests, load


class Load:
    """The load generator, brought to the point where every connection is open and has had an answer."""

    def __init__(self, stage, port, requests, connections=64, seconds=None, count=None, rate=None,
                 close=False, tls=False, hold=False, cores=None):
        cores = ",".join(map(str, cores or [stage.load_core]))
        argv = ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", cores,
                os.path.join(stage.tools, "load"), "--to", str(port), "--requests", requests,
                "--connections", str(connections)]
        argv += ["--count", str(count)] if count else ["--seconds", str(seconds or 1)]
        argv += ["--rate", f"{rate:.3f}"] if rate else []
        argv += [flag for flag, on in (("--close", close), ("--tls", tls), ("--hold", hold)) if on]
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
        if self.popen.stdout.readline() != "READY\n":
            self.popen.wait()
            raise Failure(self.popen.stderr.read().strip() or "the load ended early")

    def go(self):
        self.popen.stdin.write("go\n")
        self.popen.stdin.flush()

    def result(self):
        out, err = self.popen.communicate()
        if err.strip():
            print(err.strip(), file=sys.stderr)
        answer = json.loads(out or "{}")
        if answer.get("errors", 0) > max(3, answer.get("requests", 0) // 1000):
            raise Failure(f"{answer['errors']} of {answer['requests']} failed: {answer['first_error']}")
        return answer


def reaped_seconds():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def sample(stage, row, seconds, backend=None):
    """CPU and latency of one row during one short load."""
    load = Load(stage, row.peer.port, row.requests, seconds=seconds, **row.load)
    before, others = cpu_seconds(row.peer.pid), machine_busy_seconds()
    ours = sum(cpu_seconds(backend.pid)) if backend else 0
    load_before, reaped = sum(cpu_seconds(load.popen.pid)), reaped_seconds()
    began = time.monotonic()
    load.go()
    answer = load.result()
    took = time.monotonic() - began
    after = cpu_seconds(row.peer.pid)
    others = machine_busy_seconds() - others
    ours = (sum(cpu_seconds(backend.pid)) - ours) if backend else 0
    user, system = after[0] - before[0], after[1] - before[1]
    done = max(1, answer["requests"])
    spent_by_load = reaped_seconds() - reaped - load_before
    foreign = max(0.0, others - user - system - ours - spent_by_load) / (took * len(stage.cores))
    return {"us": (user + system) / done * 1e6, "user": user / done * 1e6,
            "system": system / done * 1e6, "rps": done / answer["seconds"],
            "busy": (user + system) / answer["seconds"],
            "mb_per_cpu": answer["bytes"] / 1e6 / max(1e-9, user + system),
            "p50": answer["p50"], "p99": answer["p99"], "p999": answer["p999"],
            "requests": done, "errors": answer["errors"], "foreign": foreign}


def interleave(bench, rows, seconds=None, rounds=None):
    """Every row once per round, beginning with another one each time: what disturbs the machine
    disturbs all rows alike. Returns {key: [sample of each round]}."""
    rounds, seconds = rounds or bench.rounds, seconds or bench.seconds
    samples = {row.key: [] for row in rows}
    for number in range(rounds):
        turn = number % len(rows)
        for row in rows[turn:] + rows[:turn]:
            bench.progress(f"round {number + 1}/{rounds}: {row.label}")
            samples[row.key].append(sample(bench.stage, row, seconds, bench.backend))
    bench.progress("")
    return samples


def middle(samples, field):
    return median(each[field] for each in samples)


def ratio(samples, base, field="us"):
    """The median over the rounds of this row's figure by the base's in the same round."""
    return median(a[field] / b[field] for a, b in zip(samples, base) if b[field] > 0)


def foreign_share(all_samples):
    return median(each["foreign"] for samples in all_samples.values() for each in samples)


CALLS = ("recvfrom", "recvmsg", "read", "readv", "sendto", "sendmsg", "write", "writev", "epoll_wait",
         "epoll_pwait", "epoll_pwait2", "epoll_ctl", "getsockopt", "setsockopt", "timerfd_settime",
         "futex", "io_uring_enter", "accept4", "connect", "close", "splice", "sendfile64", "shutdown", "socket")


def perf_counts_calls():
    if not shutil.which("perf"):
        return False
    probe = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"],
                           capture_output=True, text=True)
    return probe.returncode == 0 and "<not" not in probe.stderr and "sys_enter" in probe.stderr


def system_calls(stage, row, seconds):
    """({name: calls per request}, how it was counted); "all" is their total."""
    if perf_counts_calls():
        return _calls_by_perf(stage, row, seconds), "perf tracepoints"
    if shutil.which("strace"):
        return _calls_by_strace(stage, row, seconds), "strace -c -f (changes EAGAIN and epoll counts)"
    raise Failure("neither perf tracepoints nor strace can count system calls here")


def _watched(stage, row, seconds, argv, output):
    load = Load(stage, row.peer.port, row.requests, seconds=seconds, **row.load)
    counter = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.7)  # until it has attached; the load has not begun
    load.go()
    answer = load.result()
    counter.send_signal(signal.SIGINT)
    counter.wait(20)
    with open(output) as file:
        return answer["requests"], file.read()


def _calls_by_perf(stage, row, seconds):
    output = stage.path("perf.txt")
    known = "/sys/kernel/tracing/events/syscalls/sys_enter_"  # perf refuses a list with one it lacks
    events = ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{name}" for name in CALLS
                                           if os.path.exists(known + name)]
    pids = ",".join(map(str, tree(row.peer.pid)))
    done, text = _watched(stage, row, seconds,
                          ["perf", "stat", "-x,", "-o", output, "-e", ",".join(events), "-p", pids],
                          output)
    counts = {}
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[0].isdigit():
            counts[fields[2].split("sys_enter")[-1].lstrip("_") or "all"] = int(fields[0]) / done
    return counts


def _calls_by_strace(stage, row, seconds):
    output = stage.path("strace.txt")
    argv = ["strace", "-c", "-f", "-o", output]
    for pid in tree(row.peer.pid):
        argv += ["-p", str(pid)]
    done, text = _watched(stage, row, seconds, argv, output)
    counts = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit():
            counts["all" if fields[-1] == "total" else fields[-1]] = int(fields[3]) / done
    return counts

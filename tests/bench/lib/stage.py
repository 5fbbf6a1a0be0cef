"""Where a measurement happens: a temporary folder, free loopback ports, processes pinned to cores, and
what /proc says about them. Everything started here is gone when the script ends, however it ends."""

import atexit
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Failure(Exception):
    """Something the user has to know; printed without a traceback."""


class Process:
    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def log_text(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-2000:]


class Stage:
    def __init__(self, tools):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
        except (ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.tools = tools
        self.folder = tempfile.mkdtemp(prefix="keepsake-bench-")
        os.chmod(self.folder, 0o755)  # workers that drop root must reach it
        self.processes = []
        self.used_ports = set()
        cores = sorted(os.sched_getaffinity(0))
        self.peer_core = cores[0]
        self.load_core = cores[1] if len(cores) > 1 else cores[0]
        self.cores = cores
        os.sched_setaffinity(0, {self.load_core})
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))

    def most_connections(self):
        """A proxy needs two descriptors for each, may keep as many idle links, and needs some of its own."""
        return (self.descriptors - 800) // 3

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(self.path(name), mode) as file:
            file.write(text)
        return self.path(name)

    def port(self):
        """A free port below the range that the kernel hands to outgoing connections."""
        while True:
            port = random.randrange(20000, 32000)
            if port in self.used_ports:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            self.used_ports.add(port)
            return port

    def start(self, name, argv, core=None, env=None, wait_port=None, patience=20, output=None):
        """core: one number, a list of numbers, or None for the peers' core."""
        core = self.peer_core if core is None else core
        cores = ",".join(map(str, core)) if isinstance(core, (list, tuple)) else str(core)
        log = output or self.path(f"{name}-{len(self.processes)}.log")
        with open(log, "ab") as out:
            popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", cores] + argv,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(env or {})}, cwd=self.folder, start_new_session=True)
        process = Process(name, popen, log)
        self.processes.append(process)
        if wait_port:
            self.await_port(process, wait_port, patience)
        return process

    def await_port(self, process, port, patience):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not process.alive():
                raise Failure(f"{process.name} ended at once:\n{process.log_text()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise Failure(f"{process.name} does not answer on port {port}:\n{process.log_text()}")

    def stop(self, process, number=signal.SIGTERM, patience=5):
        if process.alive():
            try:
                os.killpg(process.pid, number)
                process.popen.wait(patience)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.popen.wait()
        if process in self.processes:
            self.processes.remove(process)

    def stop_all(self):
        for process in list(reversed(self.processes)):
            self.stop(process, patience=2)

    def close(self):
        self.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)


def _stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except (OSError, IndexError):
                continue
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop())
        queue += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """(user, system) of the process, its living descendants and those it has reaped."""
    user = system = 0
    for each in tree(pid):
        try:
            fields = _stat(each)
        except OSError:
            continue
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return user / TICK, system / TICK


def resident_bytes(pid):
    total = 0
    for each in tree(pid):
        with open(f"/proc/{each}/statm") as file:
            total += int(file.read().split()[1]) * PAGE
    return total


def machine_busy_seconds():
    """CPU time spent by anybody, stolen time included."""
    with open("/proc/stat") as file:
        fields = [int(x) for x in file.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / TICK

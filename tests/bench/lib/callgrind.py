"""User instructions per request, exactly: the same peer under callgrind twice, for two request counts;
the difference is free of start-up and shut-down."""

import re
import signal
import time

import peers
from measure import Load
from stage import Failure

FEW, MANY = 2000, 4000


def _run(stage, name, requests, count, connections, start_options):
    output = stage.path(f"callgrind-{name}-{count}-{connections}.out")
    wrap = ["setarch", "-R", "valgrind", "--tool=callgrind", "--quiet",
            f"--callgrind-out-file={output}"]
    peer = peers.start(name, stage, start_options["backend"], wrap=wrap,
                       **{key: value for key, value in start_options.items() if key != "backend"})
    try:
        load = Load(stage, peer.port, requests, connections=connections, count=count)
        load.go()
        done = load.result()["requests"]
        if done != count:
            raise Failure(f"{name} answered {done} of {count} requests under callgrind")
        time.sleep(0.2)
    finally:
        stage.stop(peer.process, signal.SIGINT if name == "haproxy" else signal.SIGTERM, patience=30)
    with open(output) as file:
        found = re.search(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE)
    if not found:
        raise Failure(f"callgrind left no total for {name}")
    return int(found.group(1))


def instructions(stage, name, requests, connections, **start_options):
    """Instructions per request of one peer, one worker."""
    if name == "nginx":
        start_options["top"] = "daemon off;\nmaster_process off;"
    few = _run(stage, name, requests, FEW, connections, start_options)
    many = _run(stage, name, requests, MANY, connections, start_options)
    return (many - few) / (MANY - FEW)

"""The scenarios of run.sh, one function each, in the order of `--scenario all`. Each takes a Bench and
returns a Result; the numbers they are held against are the project's targets."""

import time
from statistics import median

import callgrind
import peers
import report
import traffic
from bench import LABELS, PATH, PLAIN_PATH, against, note_foreign, ratio_table
from measure import Load, Row, interleave, middle, ratio, sample, system_calls
from report import Result
from stage import cpu_seconds, resident_bytes

PLAIN_PEERS = ("relay", "nginx", "haproxy", "keepsake")


def session(bench):
    """64 keep-alive clients, another visitor's cookie on every request."""
    result = Result("session", "A session opened on every request, 64 keep-alive clients")
    running = bench.start_all(("relay", "nginx", "haproxy", "keepsake", "flask", "apache"))
    own = {}
    for name, gather in (("flask", traffic.post_names), ("apache", traffic.names_by_backend)):
        if name in running:
            bench.progress(f"gathering cookies of {name}")
            own[name] = gather(running[name].port)
            for number in (0, traffic.VISITORS - 1):
                traffic.check_injection(running[name].port, "/echo", own[name][number], number)
    rows = bench.rows({name: peer for name, peer in running.items() if name not in own})
    if "keepsake" in running:
        cookies = bench.cookies()
        running["keepsake-calls"] = bench.start("keepsake", io_uring=False)
        rows += [Row("keepsake-calls", LABELS["keepsake-calls"], running["keepsake-calls"],
                     bench.file(PATH, cookies)),
                 Row("keepsake-memo", LABELS["keepsake-memo"], running["keepsake"],
                     bench.file(PATH, cookies[:1])),
                 Row("keepsake-plain", LABELS["keepsake-plain"], running["keepsake"],
                     bench.file(PLAIN_PATH, cookies))]
    rows += [Row(name, LABELS[name], running[name], bench.file(PATH, own[name])) for name in own]
    samples = interleave(bench, rows)
    ratio_table(result, rows, samples)
    against(result, samples, "keepsake of nginx plain", "keepsake", "nginx", 0.85)
    against(result, samples, "keepsake of haproxy plain", "keepsake", "haproxy", 0.80)
    against(result, samples, "keepsake of the byte relay", "keepsake", "relay", 1.25)
    against(result, samples, "keepsake of Flask + gunicorn", "keepsake", "flask", 0.04)
    against(result, samples, "keepsake of Apache mod_session_crypto", "keepsake", "apache", 0.006)
    if "keepsake" in samples:
        pairs = list(zip(samples["keepsake"], samples["keepsake-plain"]))
        cost = median(a["us"] - b["us"] for a, b in pairs)
        share = ratio(samples["keepsake"], samples["keepsake-plain"]) - 1
        result.target("the session itself, over `session: false` (or 8 %)", cost,
                      max(1.2, 0.08 * middle(samples["keepsake-plain"], "us")), unit=" µs")
        result.notes.append(f"The session costs {share:+.1%}; a connection that always sends the same "
                            f"cookie {ratio(samples['keepsake-memo'], samples['keepsake-plain']) - 1:+.1%}.")
    result.notes.append("relay, nginx and haproxy are sent the same requests and only forward them. nginx "
                        "with lua-resty-session is not in Debian and not measured here.")
    drawn = [(row.label.replace("*", "").replace("`", ""), middle(samples[row.key], "user"),
              middle(samples[row.key], "system"), bar_text(samples, row.key),
              row.key.startswith("keepsake")) for row in rows]
    near = [user + system for label, user, system, _, _ in drawn if "Flask" not in label
            and "apache" not in label]
    result.plots["results"] = report.bars("CPU time per request, 64 keep-alive clients", drawn,
                                          bench.caption(), clip=max(near or [1]) * 1.25)
    bench.stop(*running.values())
    return result


def bar_text(samples, key):
    text = f"{middle(samples[key], 'us'):.1f} µs"
    return text + (f"  ({ratio(samples[key], samples['nginx']):.2f} of nginx)" if "nginx" in samples else "")


def plain(bench):
    """Forwarding alone: what a `session: false` route costs."""
    result = Result("plain", "Plain proxying (`session: false`), 64 keep-alive clients")
    running = bench.start_all(PLAIN_PEERS)
    rows = bench.rows(running)
    for row in rows:
        if row.key == "keepsake":
            row.label, row.requests = LABELS["keepsake-plain"], bench.file(PLAIN_PATH, bench.cookies())
    samples = interleave(bench, rows)
    ratio_table(result, rows, samples)
    bench.stop(*running.values())
    return result


def log(bench):
    """The access log on and off, each to a file."""
    result = Result("log", "Access log off and on")
    running = {"nginx": "", "nginx-on": " logging", "nginx-buffered": " logging, `buffer=64k flush=1s`"}
    running = {key: (bench.start("nginx", log=option), "nginx" + text) for (key, text), option in
               zip(running.items(), (None, bench.stage.path("a.log"),
                                     bench.stage.path("b.log") + " combined buffer=64k flush=1s"))
               if bench.takes_part("nginx")}
    if bench.takes_part("keepsake"):
        running["keepsake"] = (bench.start("keepsake"), "keepsake")
        running["keepsake-on"] = (bench.start("keepsake", access_log=True), "keepsake logging")
    file = bench.file(PATH, bench.cookies())
    rows = [Row(key, label, peer, file) for key, (peer, label) in running.items()]
    samples = interleave(bench, rows)
    ratio_table(result, rows, samples)
    against(result, samples, "keepsake logging, of itself without", "keepsake-on", "keepsake", 1.06)
    bench.stop(*(peer for peer, _ in running.values()))
    return result


def large(bench):
    """Responses of 100 KiB and 1 MiB from the backend's page cache."""
    result = Result("large", "Large responses, 16 keep-alive clients")
    running = bench.start_all(PLAIN_PEERS)
    tuned = bench.start("nginx", extra="proxy_max_temp_file_size 0;") if "nginx" in running else None
    for size in ("100k", "1m"):
        rows = bench.rows(running, "/large/" + size, connections=16)
        if tuned:
            rows.append(Row("nginx-tuned", "nginx, `proxy_max_temp_file_size 0`", tuned, rows[0].requests,
                            connections=16))
        samples = interleave(bench, rows)
        table = result.table(size[:-1] + (" KiB" if size == "100k" else " MiB"), "CPU per response",
                             "of nginx", "MB per CPU second", "of nginx", "MB/s")
        for row in rows:
            mine, base = samples[row.key], samples.get("nginx")
            table.add(row.label, f"{middle(mine, 'us'):.1f} µs", f"{ratio(mine, base):.2f}" if base else "-",
                      f"{middle(mine, 'mb_per_cpu'):.0f}",
                      f"{ratio(mine, base, 'mb_per_cpu'):.2f}" if base else "-",
                      f"{middle(mine, 'mb_per_cpu') * middle(mine, 'busy'):.0f}")
        note_foreign(result, samples)
        if size == "100k":
            against(result, samples, "100 KiB: CPU of nginx", "keepsake", "nginx", 0.67)
        else:
            against(result, samples, "1 MiB: bytes per CPU second of nginx", "keepsake", "nginx", 1.05,
                    at_least=True, field="mb_per_cpu")
    bench.stop(*running.values(), *([tuned] if tuned else []))
    return result


def close(bench):
    """A new client connection for every request."""
    result = Result("close", "`Connection: close`, 64 clients")
    running = bench.start_all(PLAIN_PEERS)
    rows = bench.rows(running, options={"close": True}, close=True)
    samples = interleave(bench, rows)
    ratio_table(result, rows, samples)
    against(result, samples, "keepsake of nginx", "keepsake", "nginx", 1.0)
    result.notes.append("The relay opens a backend connection for every client connection; the others "
                        "reuse theirs.")
    bench.stop(*running.values())
    return result


def clients(bench):
    """One client, and 512."""
    result = Result("clients", "1 and 512 keep-alive clients")
    running = bench.start_all(PLAIN_PEERS)
    for count, limit in ((1, 0.95), (512, 0.85)):
        rows = bench.rows(running, connections=count)
        samples = interleave(bench, rows)
        ratio_table(result, rows, samples).columns[0] = f"{count} client{'s' if count > 1 else ''}"
        against(result, samples, f"{count} clients, of nginx", "keepsake", "nginx", limit)
    bench.stop(*running.values())
    return result


def idle(bench):
    """Memory and CPU of held connections that say nothing."""
    held = min(1000 if bench.quick else 10000, bench.stage.most_connections())
    result = Result("idle", f"{held} idle keep-alive connections")
    table = result.table("", "resident per connection", "CPU while idle")
    for name in PLAIN_PEERS:
        if not bench.takes_part(name):
            continue
        peer = bench.start(name)
        file = bench.file(PATH, bench.cookies())
        bench.progress(f"holding {held} connections on {name}")
        sample(bench.stage, Row(name, name, peer, file), 1)
        before = resident_bytes(peer.pid)
        load = Load(bench.stage, peer.port, file, connections=held, hold=True)
        load.go()
        time.sleep(5)  # buffers are given back by the first sweeps
        cpu, window = sum(cpu_seconds(peer.pid)), 2 if bench.quick else 10
        time.sleep(window)
        cpu = (sum(cpu_seconds(peer.pid)) - cpu) / window
        per_connection = (resident_bytes(peer.pid) - before) / held
        still_open = load.result()["open"]
        if still_open < held:
            result.notes.append(f"{name} closed {held - still_open} of {held} connections meanwhile.")
        bench.stop(peer)
        table.add(LABELS[name], f"{per_connection:.0f} B", f"{cpu * 1e6:.0f} µs/s")
        if name == "keepsake":
            result.target("resident per idle connection", per_connection, 2048, unit=" B")
            result.target("CPU while idle (one sweep a second)", cpu * 1e6, 2000, unit=" µs/s")
    result.notes.append("The kernel's own memory for sockets is the same for all and not counted.")
    if held < 10000 and not bench.quick:
        result.notes.append(f"{held}, because this machine allows {bench.stage.descriptors} descriptors "
                            "per process.")
    return result


def latency(bench):
    """Requests at fixed times, half as many as saturate nginx."""
    result = Result("latency", "Latency at half of nginx's saturation, 64 connections, paced")
    running = bench.start_all(PLAIN_PEERS)
    rows = bench.rows(running)
    pacer = next((row for row in rows if row.key == "nginx"), rows[0])
    rate = median(sample(bench.stage, pacer, bench.seconds)["rps"] for _ in range(3)) / 2
    for row in rows:
        row.load["rate"] = rate
    samples = interleave(bench, rows, seconds=max(2, bench.seconds))
    table = result.table("", "p50", "p99", "p99.9", "CPU per request")
    for row in rows:
        mine = samples[row.key]
        table.add(row.label, *(f"{middle(mine, field):.0f} µs" for field in ("p50", "p99", "p999")),
                  f"{middle(mine, 'us'):.1f} µs")
    against(result, samples, "p99 of nginx's", "keepsake", "nginx", 1.0, field="p99")
    note_foreign(result, samples)
    result.notes.append(f"{rate:.0f} requests/s; latency counts from when a request fell due.")
    bench.stop(*running.values())
    return result


def workers(bench):
    """Two workers against one: what sharing costs."""
    result = Result("workers", "Two workers against one, 512 clients")
    cores = bench.stage.cores
    result.notes.append("Scale is 2 × the CPU per request of one worker / that of two: 2.00 when the two "
                        "share nothing.")
    if len(cores) < 4:
        result.notes.append("Workers, load and backend share these two cores (the targets want two idle "
                            "ones), so the scale below is what contention for caches leaves.")
    elif len(cores) >= 4:
        result.notes.append("The two workers have two cores to themselves.")
    table = result.table("", "one worker", "two workers", "scale")
    for name in ("nginx", "keepsake"):
        if not bench.takes_part(name):
            continue
        if len(cores) >= 4:
            running = {n: bench.start(name, workers=n, cores=cores[:1] if n == 1 else [cores[0], cores[2]])
                       for n in (1, 2)}
        else:
            running = {n: bench.start(name, workers=n, cores=list(cores)) for n in (1, 2)}
        file = bench.file(PATH, bench.cookies())
        rows = [Row(n, f"{name}, {n}", running[n], file, connections=512,
                    cores=[cores[1]] if len(cores) >= 4 else list(cores)) for n in (1, 2)]
        samples = interleave(bench, rows)
        scale = 2 * ratio(samples[1], samples[2])
        table.add(name, f"{middle(samples[1], 'us'):.1f} µs", f"{middle(samples[2], 'us'):.1f} µs",
                  f"{scale:.2f}")
        if name == "keepsake":
            result.target("two workers against one", scale, 1.8, at_least=True)
        note_foreign(result, samples)
        bench.stop(*running.values())
    return result


def syscalls(bench):
    """System calls per request at saturation."""
    result = Result("syscalls", "System calls per request, 64 keep-alive clients")
    running = bench.start_all(PLAIN_PEERS)
    rows = bench.rows(running)
    if "keepsake" in running:
        running["keepsake-calls"] = bench.start("keepsake", io_uring=False)
        rows.append(Row("keepsake-calls", LABELS["keepsake-calls"], running["keepsake-calls"],
                        bench.file(PATH, bench.cookies())))
    table = result.table("", "all", "which (at least 0.01)")
    for row in rows:
        bench.progress(f"counting system calls of {row.key}")
        counts, how = system_calls(bench.stage, row, bench.seconds)
        shown = sorted(((n, c) for n, c in counts.items() if n != "all" and c >= 0.01),
                       key=lambda pair: -pair[1])
        table.add(row.label, f"{counts['all']:.2f}", ", ".join(f"{n} {c:.2f}" for n, c in shown))
        if row.key.startswith("keepsake"):
            result.target(f"system calls per request: {row.label.replace('*', '')}", counts["all"], 6.2)
        if not result.notes:
            result.notes.append(f"Counted by {how}.")
    bench.stop(*running.values())
    return result


def instructions(bench):
    """User instructions per request by callgrind."""
    result = Result("instructions", "User instructions per request (callgrind)")
    table = result.table("", "1 client", "64 clients")
    cookies = bench.cookies()
    wanted = [("nginx", LABELS["nginx"], PATH, None), ("haproxy", LABELS["haproxy"], PATH, None),
              ("keepsake", LABELS["keepsake-plain"], PLAIN_PATH, 24000),
              ("keepsake", LABELS["keepsake"], PATH, 31000)]
    for name, label, path, limit in wanted:
        if not bench.takes_part(name):
            continue
        counts = []
        for connections in (1, 64):
            bench.progress(f"{name} under callgrind, {connections} clients")
            counts.append(callgrind.instructions(bench.stage, name, bench.file(path, cookies),
                                                 connections, backend=bench.backend.port))
        table.add(label, *(f"{count:.0f}" for count in counts))
        if limit:
            result.target(f"{label.replace('*', '')}, 64 clients", counts[1], limit)
    result.notes.append("Valgrind shows programs a processor without its newest instructions: cryptography "
                        "may take a longer path than it does in truth.")
    return result

"""The scenarios that grow one thing at a time, and the TLS listener."""

import subprocess

import report
from bench import LABELS, PATH, against, note_foreign, ratio_table
from measure import Row, interleave, middle
from report import Result
from stage import Failure

SHORT = {"relay": "relay", "nginx": "nginx", "haproxy": "haproxy", "keepsake": "keepsake"}


def series(bench, result, name, title, x_label, xs, measure):
    """One growth series: measure(x) gives {peer: samples}; a table and a plot."""
    found = []
    for x in xs:
        found.append(measure(x))
    names = list(dict.fromkeys(key for samples in found for key in samples))
    table = result.table(x_label, *(SHORT.get(key, key) for key in names))
    for x, samples in zip(xs, found):
        table.add(x, *(f"{middle(samples[key], 'us'):.1f} µs" if key in samples else "-" for key in names))
    note_foreign(result, {(x, key): value for x, samples in zip(xs, found) for key, value in samples.items()})
    plotted = [(SHORT.get(key, key), [middle(samples[key], "us") if key in samples else None
                                      for samples in found]) for key in names]
    if plotted:
        result.plots["growth-" + name] = report.lines(title, x_label, "CPU per request, µs", xs, plotted,
                                                      bench.caption())


def growth(bench):
    """Connections, routes, values in the cookie, headers."""
    result = Result("growth", "Growth: CPU per request as one thing grows")
    rounds = min(bench.rounds, 3)
    top = bench.stage.most_connections()
    counts = (1, 64, 512) if bench.quick else (1, 64, 512, min(5000, top), min(10000, top))

    running = bench.start_all(("keepsake", "nginx", "haproxy", "relay"))
    series(bench, result, "connections", "Keep-alive connections, all busy", "connections", counts,
           lambda x: interleave(bench, bench.rows(running, connections=x), rounds=rounds))
    headers = (5, 30, 100)
    series(bench, result, "headers", "Header lines in the request", "header lines", headers,
           lambda x: interleave(bench, bench.rows(running, options={"headers": x}), rounds=rounds))
    bench.stop(*running.values())

    def with_routes(count):
        paths = [f"/shop/department/{n}" for n in range(count)]
        running = {}
        if bench.takes_part("keepsake"):
            running["keepsake"] = bench.start(
                "keepsake", routes="".join(f"  - {{path: {path}, backend: app}}\n" for path in paths))
        if bench.takes_part("nginx"):
            running["nginx"] = bench.start(
                "nginx", locations="\n".join(f"location = {path} {{ FORWARD }}" for path in paths))
        samples = interleave(bench, bench.rows(running, paths[-1]), rounds=rounds)
        bench.stop(*running.values())
        return samples
    if bench.takes_part("keepsake") or bench.takes_part("nginx"):
        series(bench, result, "routes", "Exact routes, the last one asked for", "routes",
               (1, 10, 100, 1000), with_routes)

    def with_values(count):
        keepsake = bench.start("keepsake", values=count)
        file = bench.file(PATH, bench.cookies(keepsake, values=count))
        samples = interleave(bench, [Row("keepsake", LABELS["keepsake"], keepsake, file)], rounds=rounds)
        bench.stop(keepsake)
        return samples
    if bench.takes_part("keepsake"):
        series(bench, result, "values", "Values in the session cookie, one injected", "values",
               (1, 5, 32), with_values)
    return result


def tls(bench):
    """An https listener: keep-alive, and a full handshake for every request."""
    result = Result("tls", "TLS listener (ECDSA P-256, 64 clients)")
    key, certificate, both = (bench.stage.path(name) for name in ("tls.key", "tls.crt", "tls.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=bench.example", "-keyout", key, "-out",
                    certificate], check=True, capture_output=True)
    with open(both, "w") as file:
        file.write(open(certificate).read() + open(key).read())
    bench.cookies()  # by plain http, before those listeners exist that do not speak it
    running = {}
    for name in ("nginx", "haproxy", "keepsake"):
        if not bench.takes_part(name):
            continue
        try:
            running[name] = bench.start(name, tls=(certificate, key, both))
        except Failure as why:
            if name != "keepsake":
                raise
            result.notes.append("keepsake SKIPPED: this build does not serve `listen.tls`: "
                                + " ".join(str(why).split())[:200])
    for text, closing, limit in (("keep-alive", False, 0.9), ("handshake and one request", True, None)):
        rows = bench.rows(running, options={"close": closing}, close=closing, tls=True)
        samples = interleave(bench, rows)
        ratio_table(result, rows, samples).columns[0] = text
        if limit:
            against(result, samples, f"{text}, of nginx", "keepsake", "nginx", limit)
    result.notes.append("Full handshakes, no resumption.")
    bench.stop(*running.values())
    return result

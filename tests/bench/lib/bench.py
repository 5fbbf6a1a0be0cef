"""One run: which peers take part, how long, and the requests they are sent."""

import os
import sys

import peers
import report
import traffic
from measure import Row, foreign_share, middle, ratio

LABELS = {"relay": "byte relay in C (the floor)", "nginx": "nginx", "haproxy": "haproxy",
          "apache": "apache + mod_session_crypto", "flask": "Flask + gunicorn",
          "keepsake": "**keepsake**, session opened and injected",
          "keepsake-plain": "keepsake, `session: false`",
          "keepsake-calls": "keepsake, `io_uring: false`",
          "keepsake-memo": "keepsake, always the same visitor"}
PATH, PLAIN_PATH = "/visit/1", "/plain/1"


class Bench:
    def __init__(self, stage, only, rounds, seconds, quick):
        self.stage, self.only, self.rounds, self.seconds, self.quick = stage, only, rounds, seconds, quick
        self.backend = peers.start_backend(stage)
        self._cookies = {}
        self._files = 0
        self.missing = {name for name in peers.STARTERS if self.wants(name) and not peers.available(name)}

    def wants(self, name):
        return not self.only or name in self.only

    def takes_part(self, name):
        return self.wants(name) and name not in self.missing

    def progress(self, text):
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K" + text)
        elif text and "PROGRESS" in os.environ:
            print(text, file=sys.stderr)
        sys.stderr.flush()

    def start(self, name, **options):
        self.progress(f"starting {name}")
        return peers.start(name, self.stage, self.backend.port, **options)

    def start_all(self, names, **options):
        return {name: self.start(name, **options) for name in names if self.takes_part(name)}

    def stop(self, *stopped):
        for peer in stopped:
            self.stage.stop(peer.process)

    def cookies(self, keepsake=None, values=1):
        """Sealed cookies of many visitors; everybody who does not read them is sent them too."""
        if values not in self._cookies:
            if keepsake is None and self.takes_part("keepsake"):
                keepsake = self.start("keepsake", values=values)
                self._cookies[values] = self._post(keepsake, values)
                self.stop(keepsake)
            elif keepsake is None:
                self._cookies[values] = traffic.stand_in_cookies()
            else:
                self._cookies[values] = self._post(keepsake, values)
        return self._cookies[values]

    def _post(self, keepsake, values):
        self.progress(f"posting the names of {traffic.VISITORS} visitors")
        extra = {f"field{n}": f"value number {n:02d}" for n in range(1, values)}
        cookies = traffic.post_names(keepsake.port, extra=extra)
        for number in (0, traffic.VISITORS - 1):
            traffic.check_injection(keepsake.port, "/echo", cookies[number], number)
        return cookies

    def file(self, path, cookies, **options):
        self._files += 1
        return traffic.request_file(self.stage, f"load-{self._files}", path, cookies, **options)

    def rows(self, running, path=PATH, options=None, **load):
        """The common rows: every running peer with the same requests, keepsake opening sessions."""
        file = self.file(path, self.cookies(running.get("keepsake")), **(options or {}))
        return [Row(name, LABELS[name], peer, file, **load) for name, peer in running.items()]

    def caption(self):
        return f"{report.machine()}; commit {report.commit()}, {report.today()}"


def ratio_table(result, rows, samples, base="nginx"):
    """The usual table: time per request, its halves, the ratio to nginx."""
    table = result.table("", "CPU per request", "user", "kernel", f"of {base}", "requests/s", "p99")
    for row in rows:
        mine = samples[row.key]
        against = f"{ratio(mine, samples[base]):.2f}" if base in samples else "-"
        table.add(row.label, f"{middle(mine, 'us'):.1f} µs", f"{middle(mine, 'user'):.1f}",
                  f"{middle(mine, 'system'):.1f}", against, f"{middle(mine, 'rps'):.0f}",
                  f"{middle(mine, 'p99'):.0f} µs")
    note_foreign(result, samples)
    return table


def note_foreign(result, samples):
    result.foreign = max(result.foreign, foreign_share(samples))


def against(result, samples, text, mine, base, limit, at_least=False, field="us"):
    if mine in samples and base in samples:
        result.target(text, ratio(samples[mine], samples[base], field), limit, at_least)

"""What a run leaves behind: a section in RESULTS.md and plots as SVG, written by hand so that nothing
needs installing."""

import datetime
import os
import platform
import subprocess

INK, FAINT, KEEPSAKE, PEER, SYSTEM = "#24292f", "#d0d7de", "#0969da", "#8c959f", 0.55
LINES = {"keepsake": KEEPSAKE, "nginx": "#1a7f37", "haproxy": "#bf8700", "relay": PEER}


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    system = "Linux"
    try:
        with open("/etc/os-release") as file:
            names = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
        system = names.get("PRETTY_NAME", system).strip('"')
    except OSError:
        pass
    return f"{model}, {os.cpu_count()} cores, kernel {platform.release()}, {system}"


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    def git(*argv):
        return subprocess.run(["git", "-C", here, *argv], capture_output=True, text=True).stdout.strip()
    name = git("rev-parse", "--short=12", "HEAD") or "no commit"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../../../proxy",
                  "../../../config")
    return name + (" with changes" if changed else "")


def today():
    return datetime.date.today().isoformat()


class Table:
    def __init__(self, columns):
        self.columns, self.rows = list(columns), []

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def markdown(self):
        lines = ["| " + " | ".join(self.columns) + " |",
                 "|" + "|".join(["---"] + ["---:"] * (len(self.columns) - 1)) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in self.rows])


class Result:
    """What one scenario found."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.tables, self.targets, self.notes, self.plots = [], [], [], {}
        self.foreign = 0.0  # the share of the machine that other programs took

    def table(self, *columns):
        self.tables.append(Table(columns))
        return self.tables[-1]

    def target(self, text, value, limit, at_least=False, unit=""):
        met = value >= limit if at_least else value <= limit
        self.targets.append((text, f"{value:.4g}{unit}", f"{'≥' if at_least else '≤'} {limit:g}{unit}",
                             "met" if met else "**missed**"))

    def markdown(self):
        parts = [f"### {self.title}"] + [table.markdown() for table in self.tables]
        if self.targets:
            table = Table(("target", "measured", "wanted", ""))
            for each in self.targets:
                table.add(*each)
            parts.append(table.markdown())
        parts += [f"![{self.title}]({name}.svg)" for name in self.plots]
        notes = list(self.notes)
        if self.foreign > 0.03:
            notes.append(f"Other programs used {self.foreign:.0%} of this machine meanwhile: read it as noisy.")
        parts += ["\n".join(f"- {note}" for note in notes)] if notes else []
        return "\n\n".join(parts)


def _escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(x, y, text, anchor="start", size=13, weight="normal", fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'font-weight="{weight}" fill="{fill}">{_escape(text)}</text>')


def _svg(width, height, body, title):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" font-family="system-ui, sans-serif"><title>{_escape(title)}'
            f'</title><rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(body)}</svg>\n')


def bars(title, rows, caption, clip=None):
    """Horizontal bars of (label, user, system, text, ours); what is longer than `clip` is cut short."""
    left, width, row_height, top = 250, 900, 30, 56
    room = width - left - 190
    longest = max(user + system for _, user, system, _, _ in rows)
    scale = room / min(longest, clip or longest)
    body = [_text(20, 28, title, size=16, weight="bold")]
    for number, (label, user, system, text, ours) in enumerate(rows):
        y = top + number * row_height
        colour = KEEPSAKE if ours else PEER
        whole = min((user + system) * scale, room)
        first = min(user * scale, room)
        cut = (user + system) * scale > room + 0.5
        body.append(_text(left - 10, y + 15, label, "end", weight="bold" if ours else "normal"))
        body.append(f'<rect x="{left}" y="{y}" width="{first:.1f}" height="20" fill="{colour}"/>')
        body.append(f'<rect x="{left + first:.1f}" y="{y}" width="{max(0.0, whole - first):.1f}" '
                    f'height="20" fill="{colour}" opacity="{SYSTEM}"/>')
        if cut:  # a slanted gap: this bar is much longer than drawn
            body.append(f'<path d="M{left + whole - 26} {y - 2} l8 24 h8 l-8 -24 z" fill="#ffffff"/>')
        body.append(_text(left + whole + 8, y + 15, text, weight="bold" if ours else "normal"))
    bottom = top + len(rows) * row_height
    body.append(_text(20, bottom + 20, "dark: user time, light: kernel time; shorter is better", size=12))
    body.append(_text(20, bottom + 38, caption, size=11, fill="#57606a"))
    return _svg(width, bottom + 52, body, title)


def lines(title, x_label, y_label, xs, series, caption):
    """Lines over evenly spaced points (the steps of a growth series are powers, roughly)."""
    width, height, left, top, bottom = 820, 380, 70, 50, 300
    highest = max(value for _, values in series for value in values if value is not None) * 1.05
    step = next(step for power in range(6) for step in (10**power, 2 * 10**power, 5 * 10**power)
                if highest / step <= 6)
    def x(at):
        return left + 30 + at * (width - left - 190) / max(1, len(xs) - 1)
    def y(value):
        return bottom - value / highest * (bottom - top)
    body = [_text(20, 26, title, size=16, weight="bold")]
    for value in range(0, int(highest) + 1, step):
        body.append(f'<path d="M{left} {y(value):.1f} H{width - 140}" stroke="{FAINT}"/>')
        body.append(_text(left - 8, y(value) + 4, value, "end", 11))
    for at, label in enumerate(xs):
        body.append(_text(x(at), bottom + 18, label, "middle", 11))
    body.append(_text((left + width - 140) / 2, bottom + 38, x_label, "middle", 12))
    body.append(_text(20, top - 6, y_label, size=11, fill="#57606a"))
    label_ys = []
    for label, values in sorted(series, key=lambda each: -(each[1][-1] or 0)):
        colour = LINES.get(label, INK)
        points = [(x(at), y(value)) for at, value in enumerate(values) if value is not None]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        body += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>' for px, py in points]
        label_y = max([points[-1][1] + 4] + [taken + 15 for taken in label_ys[-1:]])
        label_ys.append(label_y)
        body.append(_text(points[-1][0] + 10, label_y, label, size=12, weight="bold", fill=colour))
    body.append(_text(20, height - 14, caption, size=11, fill="#57606a"))
    return _svg(width, height, body, title)


def write(folder, results, header):
    os.makedirs(folder, exist_ok=True)
    text = f"\n## {today()}, commit {commit()}\n\n" + "\n".join(header) + "\n\n"
    text += "\n\n".join(result.markdown() for result in results) + "\n"
    path = os.path.join(folder, "RESULTS.md")
    fresh = not os.path.exists(path)
    with open(path, "a") as file:
        if fresh:
            file.write("# Results\n\nAppended by `tests/bench/run.sh`, the newest last. Ratios are medians "
                       "of per-round ratios;\ntrust them within one table more than microseconds across "
                       "tables.\n")
        file.write(text)
    for result in results:
        for name, svg in result.plots.items():
            with open(os.path.join(folder, name + ".svg"), "w") as file:
                file.write(svg)
    return text

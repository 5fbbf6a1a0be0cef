"""Dashboards and alerts speak of metrics and labels that /metrics really has."""

import json
import pathlib
import re
import unittest

import yaml
from eyes import EyesTest, families, promtool
from support import ROOT, free_port, plain, request

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
SCRAPE = ROOT / "deploy/prometheus/prometheus.yml"
DASHBOARD = ROOT / "deploy/grafana/keepsake.json"
TABLE = ROOT / "proxy/admin/METRICS.md"
OF_PROMETHEUS = {"up"}


def metrics_in(expression):
    """Names of metrics in an expression, with the labels that it selects by."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    return {name: set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector))
            for name, selector in re.findall(r"\b((?:keepsake|process)_\w+|up)\b(?:\{([^}]*)\})?", text)}


def expressions_of_dashboard():
    dashboard = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [note["expr"] for note in dashboard["annotations"]["list"]]
    found += [re.sub(r"label_values\((\w+), \w+\)", r"\1", variable["query"]["query"])
              for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return found


class Artifacts(EyesTest):
    def setUp(self):
        super().setUp()
        # With a store and routes that judge sessions there is every metric that there can be.
        self.app = self.backend()
        store = f'store: redis, redis: {{url: "redis://127.0.0.1:{free_port()}/0"}}, '
        judging = ("routes:\n  - {path: /verify, verify: true, require: [user]}\n"
                   "  - {path: /account, backend: app, require: [user]}\n")
        self.keepsake = self.start(plain(backend=self.app.port,
                                         more="admin: {address: 127.0.0.1:0}\ntrusted_proxies: [127.0.0.1]\n")
                                   .replace("session: {", "session: {" + store).replace("routes:\n", judging))
        request(self.keepsake.port, "/")
        self.labels = {}
        for (name, labels), _ in self.metrics().items():
            self.labels.setdefault(name, set()).update(label for label, _ in labels)

    def hold_against_metrics(self, expressions):
        for expression in expressions:
            with self.subTest(expression=expression):
                found = metrics_in(expression)
                self.assertTrue(found)
                for name, labels in found.items():
                    if name in OF_PROMETHEUS:
                        continue
                    self.assertIn(name, self.labels)
                    self.assertLessEqual(labels - {"instance", "job"}, self.labels[name])

    def test_promtool_accepts_the_rules_and_the_scrape(self):
        code, said = promtool("check", "rules", str(ALERTS))
        self.assertEqual(code, 0, said)
        code, said = promtool("check", "config", str(SCRAPE))
        self.assertEqual(code, 0, said)

    def test_alerts_speak_of_metrics_that_exist(self):
        rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 8)
        self.hold_against_metrics(rule["expr"] for rule in rules)

    def test_the_dashboard_speaks_of_metrics_that_exist(self):
        expressions = expressions_of_dashboard()
        self.assertGreater(len(expressions), 30)
        self.hold_against_metrics(expressions)

    def test_promtool_parses_every_expression_of_the_dashboard(self):
        rules = {"groups": [{"name": "dashboard", "rules": [
            {"record": f"dashboard:{number}:x", "expr": expression.replace("$__rate_interval", "5m").replace("$instance", ".*")}
            for number, expression in enumerate(expressions_of_dashboard())]}]}
        code, said = promtool("check", "rules", self.write(yaml.safe_dump(rules), "dashboard.yml"))
        self.assertEqual(code, 0, said)

    def test_panels_do_not_overlap_and_have_ids_of_their_own(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(taken & cells, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], 24)
            taken |= cells

    def test_the_table_of_metrics_is_that_of_metrics(self):
        rows = re.findall(r"(?m)^\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \| ([^|]*) \|", TABLE.read_text())
        written = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
        self.assertEqual(len(written), len(rows))
        real = {}
        for name, kind in families(self.openmetrics()).items():
            sample = name + "_count" if kind == "histogram" else name
            real[name] = (kind, self.labels.get(sample, set()))
        self.assertEqual(written, real)


if __name__ == "__main__":
    unittest.main()

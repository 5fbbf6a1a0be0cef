"""A keepsake with an admin listener, some traffic, and what /metrics says of it."""

import subprocess

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from support import TestCase, plain, request, set_name

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ADMIN = "admin: {address: 127.0.0.1:0}\n"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def promtool(*arguments, stdin=None):
    """Exit code and everything that it says."""
    done = subprocess.run(["promtool", *arguments], input=stdin, text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def samples(text):
    """{(name, ((label, value), ...)): value} of Prometheus' own format."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def families(text):
    """{name as the samples have it, less the suffixes of a histogram: type}"""
    return {family.name + ("_total" if family.type == "counter" else ""): family.type
            for family in openmetrics.text_string_to_metric_families(text)}


class EyesTest(TestCase):
    def serve(self, more="", **options):
        self.app = self.backend()
        self.keepsake = self.start(plain(backend=self.app.port, more=ADMIN + more), **options)

    def admin(self, path, **options):
        return request(self.keepsake.admin, path, **options)

    def metrics(self):
        return samples(self.admin("/metrics").body)

    def value(self, name, **labels):
        return self.metrics().get((name, tuple(sorted(labels.items()))), 0)

    def openmetrics(self):
        return self.admin("/metrics", headers={"Accept": OPENMETRICS}).body

    def some_traffic(self):
        cookie = set_name(self.keepsake.port, "Ann")
        for path in ("/", "/a", "/503"):
            request(self.keepsake.port, path, headers={"Cookie": cookie})
        request(self.keepsake.port, "/", headers={"Cookie": "session=garbage", "X-Session-Name": "Eve"})
        request(self.keepsake.port, "/x", "BREW")
        return cookie

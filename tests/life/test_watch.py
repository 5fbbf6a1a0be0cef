"""`reload: watch`: what changes on the disk is taken over, or nothing of it."""

import os
import pathlib
import re
import signal

from support import SECRET, Keepsake, request
from support_life import LifeCase, until

WATCHING = """\
listen: [{address: 127.0.0.1:0}]
backends: {app: {servers: ["http://127.0.0.1:1"]}}
routes:
  - {path: /where, redirect: /NUMBER}
  - {path: "/*", backend: app}
session: {secrets: [SECRETS]}
log: {access: false}
admin: {address: 127.0.0.1:0}
reload: watch
"""


def watching(number, secrets="{env: SESSION_KEY}"):
    return WATCHING.replace("NUMBER", str(number)).replace("SECRETS", secrets)


def replace(path, text):
    """As editors do it: a new file takes the name."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    os.replace(beside, path)


class WatchCase(LifeCase):
    def leads_to(self, keepsake, number):
        until(f"it leads to /{number}",
              lambda: request(keepsake.port, "/where").headers.get("Location", "").endswith(f"/{number}"))

    def verbose(self, keepsake):
        return request(keepsake.admin, "/readyz?verbose").body

    def metric(self, keepsake, name):
        return re.search(rf"^{re.escape(name)} (\S+)", request(keepsake.admin, "/metrics").body, re.M)[1]


class OneFile(WatchCase):
    def test_a_file_that_is_written_in_place_or_replaced_is_taken_over(self):
        keepsake = self.start(watching(1))
        self.leads_to(keepsake, 1)
        file = pathlib.Path(keepsake.file)
        file.write_text(watching(2))
        self.leads_to(keepsake, 2)
        replace(file, watching(3))
        self.leads_to(keepsake, 3)
        self.assertIn("keepsake.yaml has changed", keepsake.text)
        self.assertIn("watched files: 1\n", self.verbose(keepsake))

    def test_a_bad_file_changes_nothing_and_a_good_one_heals_it(self):
        keepsake = self.start(watching(1))
        file = pathlib.Path(keepsake.file)
        replace(file, watching(2) + "nonsense: true\n")
        keepsake.said("reload refused")
        self.leads_to(keepsake, 1)
        self.assertRegex(self.verbose(keepsake), r"last reload: refused .*\n  .*keepsake\.yaml:10:1: nonsense: unknown key")
        self.assertEqual(self.metric(keepsake, "keepsake_config_last_reload_successful"), "0")
        replace(file, watching(2))
        self.leads_to(keepsake, 2)
        until("the metric says so", lambda: self.metric(keepsake, "keepsake_config_last_reload_successful") == "1")
        self.assertNotIn("last reload: refused", self.verbose(keepsake))

    def test_a_file_that_is_gone_changes_nothing_until_it_is_there_again(self):
        keepsake = self.start(watching(1))
        file = pathlib.Path(keepsake.file)
        file.unlink()
        keepsake.said("reload refused")
        self.leads_to(keepsake, 1)
        file.write_text(watching(2))
        self.leads_to(keepsake, 2)

    def test_watching_is_itself_a_setting_of_the_file(self):
        keepsake = self.start(watching(1))
        file = pathlib.Path(keepsake.file)
        replace(file, watching(2).replace("reload: watch\n", ""))
        self.leads_to(keepsake, 2)
        self.assertNotIn("watched files", self.verbose(keepsake))
        replace(file, watching(3))
        keepsake.signal(signal.SIGHUP)
        self.leads_to(keepsake, 3)
        replace(file, watching(4))
        self.leads_to(keepsake, 4)


class Secrets(WatchCase):
    def test_a_secret_file_that_changes_changes_the_keys(self):
        secret = self.folder / "session_key"
        secret.write_text(SECRET)
        keepsake = self.start(watching(1, f"{{file: {secret}}}"))
        self.assertIn("watched files: 2\n", self.verbose(keepsake))
        replace(secret, "short")
        keepsake.said("reload refused")
        self.assertIn("session.secrets[0]", self.verbose(keepsake))
        replace(secret, SECRET[::-1])
        keepsake.said("reloaded ")
        self.assertEqual(self.metric(keepsake, "keepsake_config_last_reload_successful"), "1")

    def test_a_secret_that_the_new_file_names_is_awaited(self):
        keepsake = self.start(watching(1))
        later = self.folder / "later_key"
        replace(pathlib.Path(keepsake.file), watching(2, f"{{file: {later}}}"))
        keepsake.said("reload refused")
        replace(later, SECRET)
        self.leads_to(keepsake, 2)


class Kubernetes(WatchCase):
    """A ConfigMap's volume: files are links into `..data`, which is a link that is turned to another folder."""

    def version(self, name, text):
        (self.folder / name).mkdir()
        (self.folder / name / "keepsake.yaml").write_text(text)

    def turn(self, name):
        os.symlink(name, self.folder / "..data_tmp")
        os.replace(self.folder / "..data_tmp", self.folder / "..data")

    def test_a_turn_of_data_is_taken_over(self):
        self.version("..2026_1", watching(1))
        self.turn("..2026_1")
        os.symlink("..data/keepsake.yaml", self.folder / "keepsake.yaml")
        for config in (self.folder / "keepsake.yaml", self.folder):
            with self.subTest(config=config):
                self.turn("..2026_1")
                keepsake = Keepsake(config)
                self.addCleanup(keepsake.kill)
                self.leads_to(keepsake, 1)
                name = "..2026_2" if config == self.folder else "..2026_3"
                self.version(name, watching(2))
                self.turn(name)
                self.leads_to(keepsake, 2)


class Folder(WatchCase):
    def test_a_file_that_comes_or_goes_is_noticed(self):
        (self.folder / "10-main.yaml").write_text(watching(1))
        keepsake = Keepsake(self.folder)
        self.addCleanup(keepsake.kill)
        until("it has the default", lambda: "headers: 100" in request(keepsake.admin, "/config").body)
        (self.folder / "20-limits.yaml").write_text("limits: {headers: 50}\n")
        until("it has the file's", lambda: "headers: 50" in request(keepsake.admin, "/config").body)
        (self.folder / "notes.txt").write_text("of no account")
        (self.folder / "30-again.yaml").write_text("limits: {headers: 60}\n")
        keepsake.said(r"30-again\.yaml:1:10: limits\.headers: this key is in two files, first in .*/20-limits\.yaml:1")
        keepsake.said("reload refused")
        (self.folder / "30-again.yaml").unlink()
        (self.folder / "20-limits.yaml").unlink()
        until("it has the default again", lambda: "headers: 100" in request(keepsake.admin, "/config").body)

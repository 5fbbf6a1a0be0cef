"""What each release promised, asked of this program. A fixed file of an earlier version is never changed: what it says
must go on being so until the first number of the version changes."""

import json
import re
import unittest

import support
import world
from redis_world import Redis

CASES = [(version, case) for version in world.VERSIONS
         for case in json.loads((world.HERE / version / "cookies.json").read_text())]


def texts(name):
    """(version, text) of that file of each release."""
    return [(version, (world.HERE / version / name).read_text()) for version in world.VERSIONS]


class Cookies(support.TestCase):
    """Sessions that an earlier release gave to browsers. They live for ten years, until the end of 2034."""

    def serve(self, session, **places):
        mirror = world.Mirror()
        self.addCleanup(mirror.close)
        text = world.serving(session, mirror.port)
        for name, value in places.items():
            text = text.replace(name, value)
        return self.start(text, **world.SECRETS), mirror

    def test_each_is_opened_and_tells_backends_what_it_did(self):
        for version, case in CASES:
            if any(line.startswith("store:") for line in case["session"]):
                continue
            with self.subTest(version=version, case=case["case"]):
                keepsake, mirror = self.serve(case["session"])
                self.assertEqual(support.request(keepsake.port, "/", headers={"Cookie": case["cookie"]}).status, 200)
                self.assertEqual(mirror.seen, case["headers"])

    def test_each_is_opened_by_a_key_that_only_opens(self):
        """And is sealed anew by the first, without a change of what it says."""
        for version, case in CASES:
            if "secrets: [{env: FIRST}]" not in case["session"] or any(line.startswith("store:") for line in case["session"]):
                continue
            session = [line.replace("[{env: FIRST}]", "[{env: SECOND}, {env: FIRST}]") for line in case["session"]]
            with self.subTest(version=version, case=case["case"]):
                keepsake, mirror = self.serve(session)
                again = support.request(keepsake.port, "/", headers={"Cookie": case["cookie"]}).cookie()
                self.assertNotEqual(again, case["cookie"])
                keepsake, mirror = self.serve([line.replace("FIRST", "SECOND") for line in case["session"]])
                support.request(keepsake.port, "/", headers={"Cookie": again})
                self.assertEqual(mirror.seen, case["headers"])

    def test_each_says_the_same_to_an_operator(self):
        for version, case in CASES:
            with self.subTest(version=version, case=case["case"]):
                self.assertEqual(world.inspected(self, case["session"], case["cookie"]), case["inspected"])

    def test_sessions_that_lie_in_redis_are_found(self):
        for version, case in CASES:
            if "redis" not in case:
                continue
            with self.subTest(version=version, case=case["case"]):
                redis = Redis(self.folder / f"redis-{version}").start()
                self.addCleanup(redis.kill)
                for field, value in case["redis"]["fields"].items():
                    redis.ask("HSET", case["redis"]["key"], field, bytes.fromhex(value))
                keepsake, mirror = self.serve(case["session"], REDIS=redis.url)
                support.request(keepsake.port, "/", headers={"Cookie": case["cookie"]})
                self.assertEqual(mirror.seen, case["headers"])


class Configurations(support.TestCase):
    def setUp(self):
        super().setUp()
        world.make_certificate(self.folder)
        (self.folder / "page.html").write_text("<p>{status}")
        (self.folder / "key").write_text(world.SECRETS["SECOND"])

    def test_every_file_is_accepted(self):
        for version in world.VERSIONS:
            files = sorted((world.HERE / version / "configurations").iterdir())
            self.assertGreater(len(files), 15)
            for file in files:
                with self.subTest(version=version, file=file.name):
                    text = world.here(file.read_text(), self.folder)
                    done = self.cli("check", "--config", self.write(text), TLS_DIR=str(self.folder), **world.variables(text))
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_file_means_what_it_meant_and_what_it_does_not_say_too(self):
        for version in world.VERSIONS:
            for name in ("config-demo", "every-key"):
                with self.subTest(version=version, file=name):
                    said = world.meaning(self, (world.HERE / version / "configurations" / f"{name}.yaml").read_text())
                    recorded = json.loads((world.HERE / version / f"meaning-{name}.json").read_text())
                    self.assertEqual({path: said.get(path, "nothing") for path in recorded}, recorded)


class Names(support.TestCase):
    def test_metrics_keep_their_names_types_and_labels(self):
        told = world.metrics(self)
        for version, text in texts("metrics.txt"):
            for line in text.splitlines():
                name, kind, labels = (line + " ").split(" ")[:3]
                with self.subTest(version=version, metric=name):
                    self.assertEqual(told.get(name), (kind, {labels}))

    def test_fields_of_the_access_log_keep_their_names_and_types(self):
        for version, text in texts("log.json"):
            recorded = json.loads(text)
            for fields, asked in (("by default", "null"), ("by choice", f"[{', '.join(recorded['by choice'])}]")):
                with self.subTest(version=version, fields=fields):
                    written = world.log_fields(self, asked)
                    self.assertEqual({name: written.get(name) for name in recorded[fields]}, recorded[fields])

    def test_commands_keep_their_names_options_and_exit_codes(self):
        backend = self.backend()
        keepsake = self.start(world.counted(backend.port, "{access: false}"))
        with support.taken_port() as taken:
            places = {
                "GOOD": self.write(support.plain(), "good.yaml"), "BAD": self.write("listen: 1\n", "bad.yaml"),
                "TAKEN": self.write(support.plain(taken), "taken.yaml"), "MISSING": str(self.folder / "missing.yaml"),
                "COOKIE": support.set_name(keepsake.port, "Ann"), "ADMIN": f"http://127.0.0.1:{keepsake.admin}",
                "NOBODY": f"http://127.0.0.1:{support.free_port()}", "NEW": str(self.folder / "new.yaml"),
            }
            for version, text in texts("commands.txt"):
                for line in text.splitlines():
                    code, *words = line.split(" ")
                    if code == "#":
                        continue
                    (self.folder / "new.yaml").unlink(missing_ok=True)
                    with self.subTest(version=version, command=line):
                        arguments = [re.sub("[A-Z]{3,}", lambda word: places.get(word[0], word[0]), word) for word in words]
                        done = self.cli(*arguments, stdin=places["COOKIE"] if "-" in words else None)
                        self.assertEqual(done.returncode, int(code), done.stderr)


if __name__ == "__main__":
    unittest.main()

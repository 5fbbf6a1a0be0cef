"""What the documents show, done: files are written, commands are run, links are followed."""

import json
import os
import re
import signal
import subprocess
import unittest

import support
from support import BIN, ROOT, Running, TestCase, environment, request, set_name


def text_of(name):
    return (ROOT / name).read_text()


def fenced(name, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(name), re.M | re.S)


def yaml_keys(text):
    """The text of each key at the top of a YAML file."""
    return {part.split(":")[0]: part for part in re.split(r"^(?=\w)", text, flags=re.M) if part.strip()}


class Readme(TestCase):
    def test_its_file_and_its_commands_put_keepsake_in_front_of_a_service(self):
        [file] = fenced("README.md", "yaml")
        file = file.replace("0.0.0.0:8080", "127.0.0.1:0").replace("127.0.0.1:3000", f"127.0.0.1:{self.backend().port}")
        self.write(file)
        commands = re.search(r"^Then:\n\n((?:    .*\n)+)", text_of("README.md"), re.M)[1]
        self.assertIn("keepsake check", commands)
        shell = Running(["bash", "--norc", "-ec", re.sub(r"^    keepsake run$", "    exec keepsake run", commands, flags=re.M)],
                        cwd=self.folder, env=environment(SESSION_KEY=None, PATH=f"{BIN.parent}:{os.environ['PATH']}"))
        self.addCleanup(shell.kill)
        port = int(shell.said(r"listening on http://127\.0\.0\.1:(\d+)")[1])
        cookie = set_name(port, "Ann")
        self.assertEqual(request(port, "/", headers={"Cookie": cookie}).body, "Ann")
        cleared = request(port, "/reset", headers={"Cookie": cookie})
        self.assertRegex(cleared.headers["Set-Cookie"], r"^session=; Max-Age=0")
        shell.signal(signal.SIGTERM)
        self.assertEqual(shell.ends(), 0)

    def test_its_list_of_packages_is_what_a_build_installs(self):
        listed = re.search(r"Debian 12 packages: `([^`]+)`", text_of("README.md"))[1].split()
        called = subprocess.run(["bash", "-c", "source deploy/dependencies.sh; ensure_packages() { echo \"$@\"; }; ensure_build_packages"],
                                cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(sorted(listed), sorted(called))


class Reference(TestCase):
    def test_its_smallest_file_is_enough(self):
        for file in fenced("config/README.md", "yaml"):
            if "session:" in file:
                done = self.cli("check", "--config", self.write(file))
                self.assertEqual(done.returncode, 0, done.stderr)
                return
        self.fail("there is no smallest file")

    def test_each_section_has_an_example_that_check_accepts(self):
        certificate = self.certificate()
        smallest = yaml_keys(next(file for file in fenced("config/README.md", "yaml") if "session:" in file))
        sections = [part for part in re.split(r"^## ", text_of("config/README.md"), flags=re.M) if "<!-- keys: " in part]
        self.assertGreaterEqual(len(sections), 6)
        for section in sections:
            with self.subTest(section.split("\n")[0]):
                example = re.search(r"^```yaml\n(.*?)^```$", section, re.M | re.S)
                self.assertTrue(example, "no example")
                text = "".join({**smallest, **yaml_keys(example[1])}.values())
                text = re.sub(r"/etc/keepsake/\w+\.(crt|key)", lambda file: certificate[file[1]], text)
                done = self.cli("check", "--config", self.write(text))
                self.assertEqual(done.returncode, 0, done.stderr)

    def certificate(self):
        made = {"crt": str(self.folder / "tls.crt"), "key": str(self.folder / "tls.key")}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", made["key"], "-out", made["crt"]], check=True, capture_output=True)
        return made

    def test_the_mistakes_that_it_shows_are_said_like_this(self):
        [block] = [each for each in fenced("config/README.md", "") if "did you mean" in each]
        text = support.plain(8080).replace("{servers: ", "{blance: round_robin, servers: ").replace(
            "session: {", "session: {idle_timeout: 30, ")
        said = self.fails(2, "unknown key", "check", "--config", self.write(text)).stderr
        for line in block.splitlines():
            self.assertIn(re.sub(r"^keepsake\.yaml:\d+:\d+", "", line), said)


class Contributing(unittest.TestCase):
    def test_the_development_container_speaks_of_what_is_there(self):
        container = json.loads(text_of(".devcontainer/devcontainer.json"))
        functions = set(re.findall(r"^(\w+)\(\)", text_of("deploy/dependencies.sh"), re.M))
        self.assertLessEqual(set(re.findall(r"\bensure_\w+", container["onCreateCommand"])), functions)
        presets = {preset["name"] for preset in json.loads(text_of("CMakePresets.json"))["configurePresets"]}
        self.assertLessEqual(set(re.findall(r"--preset (\w+)", container["postCreateCommand"])), presets)
        for schema, files in container["customizations"]["vscode"]["settings"]["yaml.schemas"].items():
            self.assertTrue((ROOT / schema).exists(), schema)
            self.assertTrue(all(list(ROOT.glob(pattern)) for pattern in files), files)

    def test_every_path_that_it_names_is_there(self):
        for path in re.findall(r"`((?:proxy|config|tests|deploy)/[\w./-]+)`", text_of("CONTRIBUTING.md")):
            self.assertTrue((ROOT / path).exists(), path)


class Links(unittest.TestCase):
    def test_every_file_that_a_document_links_to_is_there(self):
        followed = 0
        listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True).stdout.split()
        for name in listed or [str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]]:
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(name)):
                if "://" not in target:
                    self.assertTrue((ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}")
                    followed += 1
        self.assertGreater(followed, 20)


if __name__ == "__main__":
    unittest.main()

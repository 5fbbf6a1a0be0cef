import os
import re
import subprocess
import unittest

from support import BIN, ROOT, TestCase, plain

COMMANDS = ["run", "check", "init", "keygen", "inspect", "health", "top"]


class Usage(TestCase):
    def test_version_names_program_and_number(self):
        done = self.cli("--version")
        self.assertRegex(done.stdout, r"\Akeepsake \d+\.\d+\.\d+\n\Z")
        self.assertEqual(done.returncode, 0)

    def test_help_teaches_on_every_level(self):
        for arguments in [[], *([command] for command in COMMANDS)]:
            with self.subTest(arguments=arguments):
                done = self.cli(*arguments, "--help")
                self.assertEqual(done.returncode, 0)
                self.assertIn("Examples:", done.stdout)
                self.assertEqual(done.stderr, "")

    def test_the_first_help_lists_every_command(self):
        listed = re.findall(r"^  (\w+) +\S", self.cli("--help").stdout.partition("Subcommands:")[2], re.M)
        self.assertEqual(set(listed) & set(COMMANDS), set(COMMANDS))

    def test_completions_know_every_option_of_the_help(self):
        texts = {name: (ROOT / "deploy/completions" / name).read_text() for name in ("keepsake.bash", "_keepsake", "keepsake.fish")}
        for command in COMMANDS:
            options = set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", self.cli(command, "--help").stdout.partition("Options:")[2]
                                     .partition("Examples:")[0].partition("Signals:")[0])) - {"help"}
            found = {
                "keepsake.bash": re.search(rf'(?m)^ *{command}\) words="(.*)"', texts["keepsake.bash"]),
                "_keepsake": re.search(rf"(?m)^ *{command}\) _arguments (.*) ;;", texts["_keepsake"]),
            }
            shown = {name: set(re.findall(r"--([a-z][a-z-]*)", line[1] if line else "")) - {"help"} for name, line in found.items()}
            shown["keepsake.fish"] = {option for commands, option in re.findall(
                r"__fish_seen_subcommand_from ([\w ]+)'.*? -l ([\w-]+)", texts["keepsake.fish"]) if command in commands.split()}
            for shell, names in shown.items():
                with self.subTest(command=command, shell=shell):
                    self.assertEqual(names, options)

    def test_wrong_usage_exits_with_2_and_points_at_the_help(self):
        for arguments, hint in {
            (): "keepsake --help",
            ("serve",): "keepsake --help",
            ("run", "--port", "8080"): "keepsake run --help",
            ("run", "--config"): "keepsake run --help",
            ("check", "keepsake.yaml"): "keepsake check --help",
            ("inspect",): "keepsake inspect --help",
            ("health",): "keepsake health --help",
            ("init", "extra"): "keepsake init --help",
            ("keygen", "extra"): "keepsake keygen --help",
        }.items():
            with self.subTest(arguments=arguments):
                self.fails(2, re.escape(f"Try: {hint}\n"), *arguments)

    @unittest.skipIf(os.path.exists("/etc/keepsake/keepsake.yaml"), "this machine has a configuration")
    def test_without_a_file_it_says_where_it_has_looked(self):
        for command in (["run"], ["check"], ["inspect", "x"]):
            with self.subTest(command=command):
                self.fails(2, r"neither \./keepsake\.yaml nor /etc/keepsake/keepsake\.yaml.*--config FILE", *command)

    def test_the_file_of_the_working_directory_is_found(self):
        self.write(plain(port=8080))
        done = self.cli("check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\AOK: keepsake\.yaml\nwould listen on http://127\.0\.0\.1:8080\n")

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            self.assertEqual(subprocess.run([BIN, "keygen"], stdout=full).returncode, 1)

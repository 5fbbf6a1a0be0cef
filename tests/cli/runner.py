"""Runs the tests of this folder and ends with the line that tests/run.sh adds up. With KEEPSAKE_SCRIPT_RECORD in the
environment, a folder, it leaves "passed FOLDER/MODULE.py::TEST" there for check_requirements.py."""

import collections
import os
import pathlib
import sys
import time
import unittest


def write_record(result, bad):
    """A file for each module, anew."""
    folder, lines = os.environ.get("KEEPSAKE_SCRIPT_RECORD"), collections.defaultdict(list)
    for test in result.ran:
        file = pathlib.Path(sys.modules[type(test).__module__].__file__).resolve()
        verdict = "failed" if test in bad else "passed"
        lines[f"{file.parent.name}-{file.name}"].append(
            f"{verdict} {file.parent.name}/{file.name}::{test._testMethodName}\n")
    for name in lines if folder else ():
        (pathlib.Path(folder) / name).write_text("".join(lines[name]))


class OneLineEach(unittest.TextTestResult):
    """One line per test, with what it took; a test with failed sub-tests counts once."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.ran = []

    def stopTest(self, test):
        super().stopTest(test)
        if test not in [skipped for skipped, _ in self.skipped]:
            self.ran.append(test)

    def startTest(self, test):
        unittest.TestResult.startTest(self, test)
        self.began = time.monotonic()

    def say(self, word, test):
        name = f"{type(test).__module__}.{type(test).__name__}.{test._testMethodName}"
        print(f"{word:4} {name} ({time.monotonic() - self.began:.2f} s)", flush=True)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.say("ok", test)

    def addError(self, test, error):
        unittest.TestResult.addError(self, test, error)
        print(f"FAIL {test}\n{self.errors[-1][1]}", flush=True)

    def addFailure(self, test, error):
        unittest.TestResult.addFailure(self, test, error)
        print(f"FAIL {test}\n{self.failures[-1][1]}", flush=True)

    def addSubTest(self, test, subtest, error):
        unittest.TestResult.addSubTest(self, test, subtest, error)
        if error:
            print(f"FAIL {subtest}\n{(self.failures + self.errors)[-1][1]}", flush=True)

    def addSkip(self, test, reason):
        unittest.TestResult.addSkip(self, test, reason)
        print(f"skip {test}: {reason}", flush=True)


def main():
    sys.path.insert(0, os.getcwd())  # in front of the folder that this file is in
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(".")
    result = OneLineEach(unittest.runner._WritelnDecorator(sys.stdout), False, 0)
    suite.run(result)
    bad = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
    good = result.testsRun - len(result.skipped) - len(bad)
    write_record(result, bad)
    print(f"{good} passed, {len(bad)} failed")
    sys.exit(1 if bad or good < 1 else 0)


if __name__ == "__main__":
    main()

"""Runs the tests of this folder and ends with the line that tests/run.sh adds up."""

import sys
import time
import unittest


class OneLineEach(unittest.TextTestResult):
    """One line per test, with what it took; a test with failed sub-tests counts once."""

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
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(sys.argv[1:]) if sys.argv[1:] else loader.discover(".")
    result = OneLineEach(unittest.runner._WritelnDecorator(sys.stdout), False, 0)
    suite.run(result)
    bad = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
    good = result.testsRun - len(result.skipped) - len(bad)
    print(f"{good} passed, {len(bad)} failed")
    sys.exit(1 if bad or good < 1 else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds tests/requirements.md against the tests.

Fails when one of P-1 to P-88 or S-1 to S-38 is missing, when a number stands there twice, when a row names no test
and does not say why, when a named test does not exist in the sources, and when it did not run and pass. A row names
a Catch2 test by its sentence and a Python test as module.py::test_name. The test programs write what they ran into
the folder given as the second argument (tests/support/main.cpp), tests/interop/run.sh gives a folder of its own
with --python (tests/cli/runner.py).

usage: check_requirements.py SOURCE_DIR [[--python] RECORD_DIR]
"""
import pathlib
import re
import sys

NUMBERS = [f"P-{n}" for n in range(1, 89)] + [f"S-{n}" for n in range(1, 39)]
ROW = re.compile(r"^\|\s*([PBS])-(\d+)\s*\|(.*)\|(.*)\|\s*$")
NAMED = re.compile(r"`([^`]+)`")
PYTHON = re.compile(r"^(\w+)\.py::(test_\w+)$")
# TEST_CASE("one " "string", ...): adjacent literals are one name.
CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def names_in_sources(root):
    names = set()
    for path in sorted((root / "tests").rglob("*_test.cpp")):
        for literals in CASE.findall(path.read_text()):
            name = "".join(LITERAL.findall(literals))
            names.add(name.replace('\\"', '"').replace("\\\\", "\\"))
    for folder in ("cli", "interop", "session"):
        for path in sorted((root / "tests" / folder).glob("*.py")):
            names |= {f"{path.name}::{name}" for name in re.findall(r"^    def (test_\w+)\(", path.read_text(), re.M)}
    return names


def results(folder):
    """name -> whether it passed, of every program that has written a record."""
    passed = {}
    for path in sorted(folder.glob("*")):
        for line in path.read_text().splitlines():
            verdict, name = line.split(" ", 1)
            passed[name] = passed.get(name, True) and verdict == "passed"
    return passed


def not_passed(name, ran, python):
    """What is wrong with the record of a test, or nothing: the two kinds of tests run at different times."""
    module = PYTHON.match(name)
    if ran is None or bool(module) != python:
        return None
    if python and not any(each.startswith(f"{module[1]}.py::") for each in ran):
        return None  # that part of the tests was not asked for, or cannot run here, and says so itself
    if name not in ran:
        return "did not run"
    return None if ran[name] else "failed"


def main():
    root = pathlib.Path(sys.argv[1])
    python = "--python" in sys.argv
    record = pathlib.Path(sys.argv[-1]) if len(sys.argv) > 2 else None
    known = names_in_sources(root)
    ran = results(record) if record else None
    faults, seen, open_rows = [], {}, []
    for line in (root / "tests/requirements.md").read_text().splitlines():
        row = ROW.match(line)
        if not row:
            continue
        number, tests = f"{row.group(1)}-{row.group(2)}", NAMED.findall(row.group(4))
        if number in seen:
            faults.append(f"{number} stands there twice")
        seen[number] = tests
        if "not yet" in row.group(4):
            open_rows.append(number)
        elif not tests:
            faults.append(f"{number} names no test")
        for name in tests:
            if name not in known:
                faults.append(f"{number}: there is no test \"{name}\"")
            elif wrong := not_passed(name, ran, python):
                faults.append(f"{number}: \"{name}\" {wrong}")
    faults += [f"{n} is missing" for n in NUMBERS if n not in seen]
    faults += [f"{n} is no requirement" for n in seen if n[0] != "B" and n not in NUMBERS]
    print("\n".join(faults) or f"{len(seen)} requirements, {sum(map(len, seen.values()))} tests")
    if open_rows:
        print("not yet: " + ", ".join(open_rows))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

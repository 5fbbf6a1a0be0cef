#!/usr/bin/env python3
"""Holds tests/requirements.md against the tests.

Fails when a number is missing or stands there twice, when a row names no test and does not say why,
when a named test does not exist in the sources, and when it did not run and pass. The test programs
write what they ran into the folder given as the second argument (tests/support/main.cpp).

usage: check_requirements.py SOURCE_DIR [RECORD_DIR]
"""
import pathlib
import re
import sys

NUMBERS = range(1, 89)
ROW = re.compile(r"^\|\s*P-(\d+)\s*\|(.*)\|(.*)\|\s*$")
NAMED = re.compile(r"`([^`]+)`")
# TEST_CASE("one " "string", ...): adjacent literals are one name.
CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def names_in_sources(root):
    names = set()
    for path in sorted((root / "tests").rglob("*_test.cpp")):
        for literals in CASE.findall(path.read_text()):
            name = "".join(LITERAL.findall(literals))
            names.add(name.replace('\\"', '"').replace("\\\\", "\\"))
    return names


def results(folder):
    """name -> whether it passed, of every program that has written a record."""
    passed = {}
    for path in sorted(folder.glob("*")):
        for line in path.read_text().splitlines():
            verdict, name = line.split(" ", 1)
            passed[name] = passed.get(name, True) and verdict == "passed"
    return passed


def main():
    root = pathlib.Path(sys.argv[1])
    record = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    known = names_in_sources(root)
    ran = results(record) if record else None
    faults, seen, open_rows = [], {}, []
    for line in (root / "tests/requirements.md").read_text().splitlines():
        row = ROW.match(line)
        if not row:
            continue
        number, tests = int(row.group(1)), NAMED.findall(row.group(3))
        if number in seen:
            faults.append(f"P-{number} stands there twice")
        seen[number] = tests
        if "not yet" in row.group(3):
            open_rows.append(number)
        elif not tests and "not here" not in row.group(3):
            faults.append(f"P-{number} names no test")
        for name in tests:
            if name not in known:
                faults.append(f"P-{number}: there is no test \"{name}\"")
            elif ran is not None and name not in ran:
                faults.append(f"P-{number}: \"{name}\" did not run")
            elif ran is not None and not ran[name]:
                faults.append(f"P-{number}: \"{name}\" failed")
    faults += [f"P-{n} is missing" for n in NUMBERS if n not in seen]
    faults += [f"P-{n} is no requirement" for n in seen if n not in NUMBERS]
    print("\n".join(faults) or f"{len(seen)} requirements, {sum(map(len, seen.values()))} tests")
    if open_rows:
        print("not yet: " + ", ".join(f"P-{n}" for n in open_rows))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

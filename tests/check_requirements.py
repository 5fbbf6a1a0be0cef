#!/usr/bin/env python3
"""Holds tests/requirements.md against the tests.

Fails when one of P-1 to P-88, S-1 to S-38 or O-1 to O-50 is missing (rows F-A1 to F-D9, faults of a release that were repaired, and
H-1 to H-71, HTTP/2, join them), when a number stands there twice, when a row
names no test and does not say why, when a named test does not exist in the sources, and when it did not run and pass.
A row names a Catch2 test by its sentence, and a test of a script as folder/module.py::test_name or as
folder/file.mjs::its sentence.

Without --scripts the record is that of ctest: what the test programs ran (tests/support/main.cpp), and the scripts
of tests/session. With it, that of the scripts (tests/cli/runner.py): of a file that has no record at all nothing is
expected, it was not asked for, or what it needs is not installed, and it says so itself. With --all every folder that
a row names must have run.

usage: check_requirements.py SOURCE_DIR [[--scripts [--all]] RECORD_DIR]
"""
import pathlib
import re
import sys

NUMBERS = [f"P-{n}" for n in range(1, 89)] + [f"S-{n}" for n in range(1, 39)]
NUMBERS += [f"O-{n}" for n in range(1, 51)]
ROW = re.compile(r"^\|\s*([PBSOFH])-([A-D]?\d+[a-z]?)\s*\|(.*)\|(.*)\|\s*$")
NAMED = re.compile(r"`([^`]+)`")
SCRIPT = re.compile(r"^((\w+)/[\w.]+)::")
# TEST_CASE("one " "string", ...): adjacent literals are one name.
CASE = re.compile(r'TEST_CASE\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
IN_PYTHON = re.compile(r"^    def (test_\w+)\(", re.M)
IN_JAVASCRIPT = re.compile(r"^test\('((?:[^'\\]|\\.)*)'", re.M)


def names_in_sources(root):
    names = set()
    for path in sorted((root / "tests").rglob("*_test.cpp")):
        for literals in CASE.findall(path.read_text()):
            name = "".join(LITERAL.findall(literals))
            names.add(name.replace('\\"', '"').replace("\\\\", "\\"))
    for pattern, literal in (("*.py", IN_PYTHON), ("*.test.mjs", IN_JAVASCRIPT)):
        for path in sorted((root / "tests").glob("*/" + pattern)):
            found = literal.findall(path.read_text())
            names |= {f"{path.parent.name}/{path.name}::{name}".replace("\\'", "'") for name in found}
    return names


def results(folder):
    """name -> whether it passed, of every program that has written a record."""
    passed = {}
    for path in sorted(folder.glob("*")):
        for line in path.read_text().splitlines():
            verdict, name = line.split(" ", 1)
            passed[name] = passed.get(name, True) and verdict == "passed"
    return passed


def not_passed(name, ran, scripts, everything):
    """What is wrong with the record of a test, or nothing: ctest and the scripts run at different times."""
    script = SCRIPT.match(name)
    if ran is None or scripts != bool(script and script[2] != "session"):
        return None
    if script and not any(each.startswith(script[1] + "::") for each in ran):
        ran_at_all = any(each.startswith(script[2] + "/") for each in ran)
        return None if ran_at_all or not everything else "did not run: nothing of its folder did"
    if name not in ran:
        return "did not run"
    return None if ran[name] else "failed"


def main():
    root = pathlib.Path(sys.argv[1])
    scripts, everything = "--scripts" in sys.argv, "--all" in sys.argv
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
            elif wrong := not_passed(name, ran, scripts, everything):
                faults.append(f"{number}: \"{name}\" {wrong}")
    faults += [f"{n} is missing" for n in NUMBERS if n not in seen]
    faults += [f"{n} is no requirement" for n in seen if n[0] not in "BFH" and n not in NUMBERS]
    print("\n".join(faults) or f"{len(seen)} requirements, {sum(map(len, seen.values()))} tests")
    if open_rows:
        print("not yet: " + ", ".join(open_rows))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

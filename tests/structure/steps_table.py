#!/usr/bin/env python3
"""Every file of the folders that an exchange passes through has its row in a table of ARCHITECTURE.md. Run by ctest."""
import pathlib
import re
import sys

FOLDERS = ["routing", "exchange", "client", "server"]


def main():
    root = pathlib.Path(sys.argv[1])
    document = root / "ARCHITECTURE.md"
    if not document.exists():
        print("there is no ARCHITECTURE.md to compare with")
        return 77  # ctest's SKIP_RETURN_CODE
    rows = [line for line in document.read_text().splitlines() if line.startswith("|")]
    words = set(re.findall(r"\w+", "\n".join(rows)))
    steps = [p for folder in FOLDERS for p in sorted((root / "proxy" / folder).glob("*.cpp"))]
    missing = [step for step in steps if step.stem not in words]
    for step in missing:
        print(f"{step.relative_to(root)} has no row in a table of ARCHITECTURE.md")
    if not steps:
        print("no steps found: is this the source tree?")
    return 1 if missing or not steps else 0


if __name__ == "__main__":
    sys.exit(main())

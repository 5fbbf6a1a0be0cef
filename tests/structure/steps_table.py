#!/usr/bin/env python3
"""Every file of proxy/server/ has its row in a table of ARCHITECTURE.md. Run by ctest."""
import pathlib
import re
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    document = root / "ARCHITECTURE.md"
    if not document.exists():
        print("there is no ARCHITECTURE.md to compare with")
        return 77  # ctest's SKIP_RETURN_CODE
    rows = [line for line in document.read_text().splitlines() if line.startswith("|")]
    words = set(re.findall(r"\w+", "\n".join(rows)))
    steps = sorted({p.stem for p in (root / "proxy/server").glob("*.cpp")})
    missing = [step for step in steps if step not in words]
    for step in missing:
        print(f"proxy/server/{step}.cpp has no row in a table of ARCHITECTURE.md")
    if not steps:
        print("no steps found: is this the source tree?")
    return 1 if missing or not steps else 0


if __name__ == "__main__":
    sys.exit(main())

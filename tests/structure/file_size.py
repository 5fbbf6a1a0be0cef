#!/usr/bin/env python3
"""No file of the proxy is too long to be one idea: 400 lines at most. Run by ctest."""
import pathlib
import sys

LIMIT = 400


def main():
    root = pathlib.Path(sys.argv[1])
    files = [p for d in ("proxy", "config") for p in sorted((root / d).rglob("*.[hc]pp"))]
    long = [f"{p}: {n} lines" for p in files if (n := len(p.read_text().splitlines())) > LIMIT]
    if len(files) < 50:
        long.append(f"only {len(files)} files were looked at: is {root} the source tree?")
    print("\n".join(long) or f"{len(files)} files, none above {LIMIT} lines")
    return 1 if long else 0


if __name__ == "__main__":
    sys.exit(main())

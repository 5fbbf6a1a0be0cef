#!/usr/bin/env python3
"""The tables of config/README.md, the comments of keepsake.yaml and keepsake.yaml(5) are what config/documents.py makes of the
schema; keepsake(1) and the completions name every command of the program."""
import pathlib
import re
import subprocess
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    man = root / "deploy/man"
    made = subprocess.run([sys.executable, root / "config/documents.py", "--check"], capture_output=True, text=True)
    faults = []
    if made.returncode != 0:
        faults.append(made.stdout + made.stderr)
    commands = re.findall(r'add_subcommand\("(\w+)"', (root / "proxy/main.cpp").read_text())
    if len(commands) < 5:
        faults.append(f"only {len(commands)} commands found in proxy/main.cpp")
    for file in [man / "keepsake.1", *sorted((root / "deploy/completions").iterdir())]:
        faults += [f"{file.relative_to(root)} does not name the command {command}" for command in commands
                   if not re.search(rf"\b{command}\b", file.read_text())]
    print("\n".join(faults) or f"{len(commands)} commands, {made.stdout.strip()}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

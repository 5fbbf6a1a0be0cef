#!/usr/bin/env python3
"""The committed keepsake.yaml(5) is what its generator makes of the schema, keepsake(1) and the completions name every
command of the program."""
import pathlib
import re
import subprocess
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    man = root / "deploy/man"
    made = subprocess.run([sys.executable, man / "keepsake_yaml.py", root / "config/keepsake.schema.json"],
                          capture_output=True, text=True, check=True).stdout
    faults = []
    if made != (man / "keepsake.yaml.5").read_text():
        faults.append("deploy/man/keepsake.yaml.5 is old: deploy/man/keepsake_yaml.py config/keepsake.schema.json "
                      ">deploy/man/keepsake.yaml.5")
    commands = re.findall(r'add_subcommand\("(\w+)"', (root / "proxy/main.cpp").read_text())
    if len(commands) < 5:
        faults.append(f"only {len(commands)} commands found in proxy/main.cpp")
    for file in [man / "keepsake.1", *sorted((root / "deploy/completions").iterdir())]:
        faults += [f"{file.relative_to(root)} does not name the command {command}" for command in commands
                   if not re.search(rf"\b{command}\b", file.read_text())]
    print("\n".join(faults) or f"{len(commands)} commands, {len(made.splitlines())} lines")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

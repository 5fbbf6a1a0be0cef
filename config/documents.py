#!/usr/bin/env python3
"""Writes what the documents say of each configuration key, from config/keepsake.schema.json alone:

- the tables of config/README.md: the rows below each line `<!-- keys: PREFIX ... -->`, from `description`, `default` and the ranges;
- the comments at the ends of the lines of config/keepsake.yaml, from `$comment`;
- deploy/man/keepsake.yaml.5.

usage: documents.py [--check]     --check changes nothing and exits with 1 if a file is out of date
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "config/keepsake.schema.json"

MAN_HEAD = r""".TH KEEPSAKE.YAML 5 "" "Keepsake" "File Formats"
.SH NAME
keepsake.yaml \- configuration of keepsake
.SH DESCRIPTION
One YAML file. Durations are written 250ms, 30s, 5m, 12h, 31d; sizes 512B, 16KiB, 1MiB. ${NAME} and ${NAME:-default} inside a value
are replaced from the environment; $${ is a literal ${. Unknown keys, duplicate keys, wrong types and impossible combinations
are errors;
.B keepsake check
reports all of them with their places.
.PP
In the names below [] stands for each element of a list and * for a name that you choose.
.SH SETTINGS
"""
MAN_TAIL = r""".SH EXAMPLE
.nf
listen: [{address: "0.0.0.0:8080"}]
backends:
  app: {servers: [http://127.0.0.1:3000]}
routes:
  \- {path: /setName, set: {myName: name}, redirect: /}
  \- {path: /reset, clear: true, redirect: /}
  \- {path: "/*", backend: app}
session:
  secrets: [{env: SESSION_KEY}]
  headers: {X-Session-Name: myName}
.fi
.SH SEE ALSO
.BR keepsake (1)
"""


class Key:
    """One configuration key, as the schema describes it."""

    def __init__(self, schema, required):
        self.text = schema["description"]
        self.comment = schema.get("$comment")
        self.required = required
        self.default = yaml_of(schema["default"]) if "default" in schema else ""
        self.limits = limits_of(schema)


def yaml_of(value):
    """A default, as the YAML file writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {yaml_of(inner)}" for key, inner in value.items()) + "}"
    return json.dumps(value)


def limits_of(schema):
    """The words or the range of a scalar, as the end of a sentence; empty where the schema has neither."""
    for branch in [schema, *schema.get("anyOf", [])]:
        if "enum" in branch and len(branch["enum"]) > 1:
            return " One of " + ", ".join(f"`{yaml_of(word)}`" for word in branch["enum"]) + "."
        if "minimum" in branch and "maximum" in branch:
            return f" {branch['minimum']} to {branch['maximum']}."
    return ""


def collect(path, schema, keys):
    """Every key below `schema`, parents before children."""
    for branch in schema.get("anyOf", []) + schema.get("oneOf", []):
        collect(path, branch, keys)
    for name, inner in schema.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        if key not in keys and "description" in inner:
            keys[key] = Key(inner, name in schema.get("required", []))
        collect(key, inner, keys)
    for inner in [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]:
        if isinstance(inner, dict):
            collect(path + ".*", inner, keys)
    if isinstance(schema.get("items"), dict):
        collect(path + "[]", schema["items"], keys)


def readme(text, keys):
    """The tables, each below its list of keys."""
    out, lines = [], text.split("\n")
    at = 0
    while at < len(lines):
        out.append(lines[at])
        marker = re.fullmatch(r"<!-- keys: (.+) -->", lines[at])
        at += 1
        if not marker:
            continue
        while at < len(lines) and (lines[at].startswith("|") or not lines[at]):
            at += 1
        prefixes = marker[1].split()
        out += ["", "| key | default | meaning |", "|---|---|---|"]
        for path, key in keys.items():
            if any(path == prefix or path.startswith((prefix + ".", prefix + "[")) for prefix in prefixes):
                default = "required" if key.required else f"`{key.default}`" if key.default else ""
                out.append(f"| `{path}` | {default} | {key.text}{key.limits} |")
        out.append("")
    return "\n".join(out)


def key_of_line(line, stack, keys):
    """The key that a line of keepsake.yaml begins with; `stack` holds the indentations and paths of the lines above."""
    setting = re.match(r"( *)(#?)( *)(- )?\{?([\w-]+):(?= |$)", line)
    if not setting or (setting[2] and setting[3] == " "):
        return None
    indent = len(setting[1] + setting[3])
    while stack and stack[-1][0] >= indent:
        stack.pop()
    path = stack[-1][1] if stack else ""
    if setting[4]:
        path += "[]"
        stack.append((indent, path))
        indent += 2
    path = f"{path}.{setting[5]}" if path else setting[5]
    if path not in keys:
        path = re.sub(r"[^.]+$", "*", path)
    stack.append((indent, path))
    return path


def sample(text, keys):
    """keepsake.yaml with the comments of the schema. A key's second line is an example with a comment of its own."""
    out, stack, seen = [], [], set()
    for line in text.split("\n"):
        path = key_of_line(line, stack, keys)
        key = keys.get(path)
        old = re.fullmatch(r"(.*?\S)( +)# (.*)", line)
        if key and key.comment and old and path not in seen:
            seen.add(path)
            line = f"{old[1]}{old[2]}# {key.comment}"
        out.append(line)
    return "\n".join(out)


def escaped(text):
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return r"\&" + text if text[:1] in ".'" else text


def man_page(keys):
    page = MAN_HEAD
    for path, key in keys.items():
        default = f" Default: {key.default}." if key.default else ""
        page += f".TP\n.B {escaped(path)}\n{escaped(key.text + key.limits + default)}\n"
    return page + MAN_TAIL


def main():
    keys = {}
    collect("", json.loads(SCHEMA.read_text()), keys)
    if len(keys) < 100:
        sys.exit(f"error: {SCHEMA} has only {len(keys)} keys")
    makers = {
        ROOT / "config/README.md": lambda text: readme(text, keys),
        ROOT / "config/keepsake.yaml": lambda text: sample(text, keys),
        ROOT / "deploy/man/keepsake.yaml.5": lambda text: man_page(keys),
    }
    old = []
    for file, make in makers.items():
        text = file.read_text() if file.exists() else ""
        made = make(text)
        if made != text:
            old.append(str(file.relative_to(ROOT)))
            if "--check" not in sys.argv[1:]:
                file.write_text(made)
    if "--check" in sys.argv[1:]:
        print("\n".join(f"{name} is out of date: run config/documents.py" for name in old) or f"{len(keys)} keys")
        sys.exit(bool(old))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes keepsake.yaml(5) from config/keepsake.schema.json, so that the page says what the schema says.

usage: keepsake_yaml.py SCHEMA > keepsake.yaml.5
"""
import json
import sys

HEAD = r""".TH KEEPSAKE.YAML 5 "" "Keepsake" "File Formats"
.SH NAME
keepsake.yaml \- configuration of keepsake
.SH DESCRIPTION
One YAML file. Durations are written 250ms, 30s, 5m, 12h, 31d; sizes 512B, 16KiB, 1MiB. ${NAME} and ${NAME:-default} inside a value
come from the environment; $${ is a literal ${. Unknown keys, keys that are there twice, wrong types and impossible combinations
are errors;
.B keepsake check
names all of them with their places.
.PP
In the names below [] stands for each element of a list and * for a name of your choice.
.SH SETTINGS
"""
TAIL = r""".SH EXAMPLE
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


def escaped(text):
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return r"\&" + text if text[:1] in ".'" else text


def default(schema):
    if "default" not in schema:
        return ""
    value = schema["default"]
    text = value if isinstance(value, str) else json.dumps(value)
    return f" Default: {text}."


def walk(path, schema, out):
    """Every key below `schema`, parents before children."""
    for branch in schema.get("anyOf", []) + schema.get("oneOf", []):
        walk(path, branch, out)
    for key, inner in schema.get("properties", {}).items():
        entry(f"{path}.{key}" if path else key, inner, out)
    for inner in [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]:
        if isinstance(inner, dict):
            walk(path + ".*", inner, out)
    if isinstance(schema.get("items"), dict):
        walk(path + "[]", schema["items"], out)


def entry(path, schema, out):
    if "description" in schema and path not in out:
        out[path] = schema["description"] + default(schema)
    walk(path, schema, out)


def main():
    with open(sys.argv[1]) as file:
        schema = json.load(file)
    entries = {}
    walk("", schema, entries)
    page = HEAD
    for path, text in entries.items():
        page += f".TP\n.B {escaped(path)}\n{escaped(text)}\n"
    sys.stdout.write(page + TAIL)


if __name__ == "__main__":
    main()

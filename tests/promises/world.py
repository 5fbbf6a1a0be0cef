"""What a promise is recorded from and tested with: one keepsake for each way to keep a session, a backend that tells
what it was told, one keepsake with everything that can be counted."""

import json
import pathlib
import re
import signal
import subprocess

import support
import yaml
from support import ROOT, request

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = sorted(path.name for path in HERE.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", path.name))
SECRETS = {"FIRST": "first-secret-for-tests-0123456789abcdef", "SECOND": "second-secret-for-tests-fedcba9876543210"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# SESSION is a recording's own; ten years keep what was recorded alive.
SERVING = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"], writes_session: true}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session:
  idle_timeout: 3650d
  absolute_timeout: 3650d
  max_value: 2KiB
SESSION
log: {access: false}
"""


def serving(session, backend):
    return SERVING.replace("BACKEND", str(backend)).replace("SESSION", "".join(f"  {line}\n" for line in session))


def inspected(test, session, cookie):
    """What `keepsake inspect` says of a cookie that never changes."""
    options = ["--host", "127.0.0.1"] if "cookie: {bind_host: true}" in session else []
    done = test.cli("inspect", "--config", test.write(serving(session, 1).replace("REDIS", "redis://127.0.0.1:1/0"), "inspect.yaml"),
                    *options, cookie, **SECRETS)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return dict(re.findall(r"^(format|key|id|created|touched|values) +(\S+)", done.stdout, re.M))


class Mirror(support.Service):
    """Keeps the X-Session-* headers of the last request, and answers with what `writes` says."""

    def __init__(self):
        self.seen, self.writes = {}, []
        super().__init__()

    def answer(self, request):
        self.seen = {k.lower(): v for k, v in request.headers.items() if k.lower().startswith("x-session-")}
        request.say(headers=[("X-Session-Set", line) for line in self.writes])


def configuration_files():
    """Every configuration that is handed out, by its name in a recording."""
    files = [*(ROOT / "config").glob("*.yaml"), *(ROOT / "config/examples").rglob("*.yaml"),
             ROOT / "deploy/container.yaml", *(ROOT / "deploy/kubernetes").rglob("keepsake.yaml")]
    return {str(file.relative_to(ROOT)).replace("/", "-"): file.read_text() for file in files}


def every_key():
    """config/keepsake.yaml with the settings that are off by default: lines of # and no space, and those below them."""
    return re.sub(r"^( *)#(?=[^ \n]| {2,}\S)", r"\1", (ROOT / "config/keepsake.yaml").read_text(), flags=re.M)


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    folder / "tls.key", "-out", folder / "tls.crt"], check=True, capture_output=True)


def here(text, folder):
    """A recorded configuration with the files that it names, which lie elsewhere on other machines."""
    for pattern, file in ((r"(?<![\w.}])/\S+\.key\b", "tls.key"), (r"(?<![\w.}])/\S+\.crt\b", "tls.crt"),
                          (r"(?<![\w.}])/\S+\.html\b", "page.html")):
        text = re.sub(pattern, f"{folder}/{file}", text)
    return re.sub(r"\bfile: /[^\s,}]+", f"file: {folder}/key", text)


def variables(text):
    return {name: support.SECRET for name in re.findall(r"\benv: (\w+)", text)}


def listening_anywhere(text):
    """It, on free ports of the loopback, with an admin listener, asking nobody for names."""
    text = re.sub(r"(\baddress: )[\w.]+:\d+", r"\g<1>127.0.0.1:0", text).replace("address: null", "address: 127.0.0.1:0")
    text = re.sub(r"//[\w-]+\.internal:", "//127.0.0.1:", text)
    return text if re.search(r"^admin:", text, re.M) else text + "admin: {address: 127.0.0.1:0}\n"


def meaning(test, text):
    """What the running program says of a configuration in /config, every setting of it: {path: value}."""
    keepsake = support.Running([support.BIN, "run", "--config", test.write(listening_anywhere(here(text, test.folder)))],
                               env=support.environment(**variables(text)))
    test.addCleanup(keepsake.kill)
    admin = int(keepsake.said(r"listening on 127\.0\.0\.1:(\d+) for administration")[1])
    dump = yaml.safe_load(request(admin, "/config").body.replace(str(test.folder), "/FOLDER"))
    del dump["limits"]["connections"]  # lowered where a process may have few descriptors
    return flat(dump)


def flat(value, path=""):
    """{"a.b[0].c": scalar} of a tree."""
    if isinstance(value, dict):
        return {key: each for name in value for key, each in flat(value[name], f"{path}.{name}".lstrip(".")).items()}
    if isinstance(value, list) and value:
        return {key: each for i, item in enumerate(value) for key, each in flat(item, f"{path}[{i}]").items()}
    return {path: value}


COUNTED = """\
listen: [{address: "127.0.0.1:0"}]
backends: {app: {servers: ["http://127.0.0.1:BACKEND"]}}
routes:
  - {path: /setName, set: {myName: name}, redirect: /}
  - {path: "/*", backend: app}
session: {secrets: [{env: SESSION_KEY}]}
traceparent: true
log: LOG
admin: {address: "127.0.0.1:0"}
"""


def counted(backend, log):
    return COUNTED.replace("BACKEND", str(backend)).replace("LOG", log)


def some_traffic(keepsake):
    """Enough for each metric with labels to have a sample, and for each kind of log line."""
    cookie = support.set_name(keepsake.port, "Ann")
    for headers in ({"Cookie": cookie, "Referer": "http://a.example/", "User-Agent": "A/1"}, {"Cookie": "session=garbage"},
                    {"X-Session-Name": "Eve"}):
        request(keepsake.port, "/", headers=headers)


def metrics(test):
    """{name: (type, {labels of a sample, ...})} of all that is told, with a store too; a histogram's `le` is no label of
    ours."""
    from prometheus_client.parser import text_string_to_metric_families as parse
    text = counted(test.backend().port, "{access: false}")
    busy = test.start(text)
    some_traffic(busy)
    busy.reload(text, "reloaded")
    stored = test.start(text.replace("session: {", 'session: {store: redis, redis: {url: "redis://127.0.0.1:1/0"}, '))
    found = {}
    for keepsake in (busy, stored):
        for family in parse(request(keepsake.admin, "/metrics").body):
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = {",".join(sorted(set(sample.labels) - {"le"})) for sample in family.samples}
            found[name] = (family.type, labels | found.get(name, (None, set()))[1])
    return found


def log_fields(test, fields):
    """{field: "text" or "number"} of the lines that `log.fields` asks for."""
    file = test.folder / "access.log"
    keepsake = test.start(counted(test.backend().port, f"{{format: json, access_file: {file}, fields: {fields}}}"))
    some_traffic(keepsake)
    keepsake.signal(signal.SIGTERM)
    keepsake.ends()
    kinds = {}
    for line in file.read_text().splitlines():
        for name, value in json.loads(line).items():
            kinds.setdefault(name, set()).add("text" if isinstance(value, str) else "number")
    file.unlink()
    return {name: " or ".join(sorted(each)) for name, each in kinds.items()}

"""Keepsake and what it is compared with: a configuration generated for each, one worker, log off,
keep-alive to the same backend. Each function starts one and returns a Peer."""

import os
import re
import shutil
import subprocess

from stage import Failure

HUGE = 1000000000
MODULES = "/usr/lib/apache2/modules"
SECRET = "b3BlbnNlc2FtZS1vbmx5LWZvci1iZW5jaG1hcmtzLTEyMzQ1Njc4"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one Debian's python3-flask and gunicorn belong to


class Peer:
    def __init__(self, name, process, port):
        self.name, self.process, self.port = name, process, port

    @property
    def pid(self):
        return self.process.pid


def keepsake_binary():
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
    return os.environ.get("KEEPSAKE", os.path.join(root, "build", "release", "bin", "keepsake"))


def available(name):
    if name == "keepsake":
        return os.access(keepsake_binary(), os.X_OK)
    if name == "flask":
        return subprocess.run([DEBIAN_PYTHON, "-c", "import flask, gunicorn"],
                              stderr=subprocess.DEVNULL).returncode == 0
    if name == "apache":
        return bool(tool("apache2")) and os.path.exists(f"{MODULES}/mod_session_crypto.so")
    return name == "relay" or bool(tool(name))


def tool(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def versions(names):
    def first(argv, pattern):
        try:
            text = subprocess.run(argv, capture_output=True, text=True)
        except OSError:
            return "?"
        found = re.search(pattern, text.stdout + text.stderr)
        return found.group(1) if found else "?"
    commands = {
        "keepsake": ([keepsake_binary(), "--version"], r"(\d[\d.]+)"),
        "nginx": ([tool("nginx") or "nginx", "-v"], r"nginx/([\d.]+)"),
        "haproxy": ([tool("haproxy") or "haproxy", "-v"], r"version ([\d.]+)"),
        "apache": ([tool("apache2") or "apache2", "-v"], r"Apache/([\d.]+)"),
        "flask": ([DEBIAN_PYTHON, "-c", "import flask, gunicorn; print(flask.__version__, 'gunicorn', "
                   "gunicorn.__version__)"], r"(.+)"),
    }
    return {name: first(*commands[name]) for name in names if name in commands and available(name)}


def nginx_frame(stage, folder, http, workers=1, top=""):
    """What every nginx of ours shares: nothing outside the temporary folder."""
    os.makedirs(stage.path(folder), exist_ok=True)
    temp = "\n".join(f"  {kind}_temp_path {stage.path(folder, kind)};"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""{top or 'daemon off;'}
{'user root;' if os.geteuid() == 0 else ''}
worker_processes {workers};
worker_rlimit_nofile {stage.descriptors};
pid {stage.path(folder, 'pid')};
error_log {stage.path(folder, 'error.log')} crit;
events {{ worker_connections {stage.descriptors - 50}; }}
http {{
{temp}
  access_log off;
  keepalive_requests {HUGE};
  keepalive_timeout 3600s;
{http}
}}
"""


def start_backend(stage):
    """The application behind everybody: nginx on the load's core, answering at once."""
    port = stage.port()
    for name, size in (("100k", 100 * 1024), ("1m", 1024 * 1024)):
        os.makedirs(stage.path("www"), exist_ok=True)
        stage.write("www/" + name, os.urandom(size))
    conf = nginx_frame(stage, "backend", f"""
  open_file_cache max=10;
  sendfile on;
  server {{
    listen 127.0.0.1:{port} backlog=4096 reuseport;
    location / {{ default_type text/html; return 200 "<h1>Hello</h1><p>One small page.</p>\\n"; }}
    location /echo {{ default_type text/plain; return 200 "$http_x_session_name"; }}
    location /login {{ add_header X-Replace-Session "name=$arg_name"; return 200 "in\\n"; }}
    location /large/ {{ alias {stage.path('www')}/; }}
  }}""")
    process = stage.start("backend", [tool("nginx"), "-c", stage.write("backend.conf", conf)],
                          core=stage.load_core, wait_port=port)
    return Peer("backend", process, port)


def start_relay(stage, backend, **_):
    port = stage.port()
    argv = [os.path.join(stage.tools, "relay"), str(port), str(backend)]
    return Peer("relay", stage.start("relay", argv, wait_port=port), port)


def start_nginx(stage, backend, workers=1, cores=None, tls=None, log=None, locations="", extra="",
                top="", wrap=()):
    port = stage.port()
    forward = f"""proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; {extra}"""
    listen = f"listen 127.0.0.1:{port} backlog=4096{' reuseport' if workers > 1 else ''}"
    if tls:
        listen += f" ssl;\n    ssl_certificate {tls[0]};\n    ssl_certificate_key {tls[1]};\n" \
                  "    ssl_session_cache off;\n    ssl_protocols TLSv1.2 TLSv1.3"
    logging = f"access_log {log};" if log else ""
    conf = nginx_frame(stage, f"nginx-{port}", f"""
  {logging}
  upstream app {{
    server 127.0.0.1:{backend};
    keepalive {stage.most_connections()};
    keepalive_requests {HUGE};
    keepalive_timeout 3600s;
  }}
  server {{
    {listen};
    location / {{ {forward} }}
    {locations.replace('FORWARD', forward)}
  }}""", workers=workers, top=top)
    argv = list(wrap) + [tool("nginx"), "-c", stage.write(f"nginx-{port}.conf", conf)]
    return Peer("nginx", stage.start("nginx", argv, core=cores, wait_port=port), port)


def start_haproxy(stage, backend, tls=None, wrap=(), **_):
    port = stage.port()
    bind = f"127.0.0.1:{port} backlog 4096" + (f" ssl crt {tls[2]}" if tls else "")
    conf = f"""global
  nbthread 1
  no strict-limits
  maxconn {stage.most_connections()}
  tune.pool-low-fd-ratio 90
  tune.pool-high-fd-ratio 95
  {'tune.ssl.cachesize 0' if tls else ''}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
listen front
  bind {bind}
  server app 127.0.0.1:{backend}
"""
    argv = list(wrap) + [tool("haproxy"), "-db", "-f", stage.write(f"haproxy-{port}.cfg", conf)]
    return Peer("haproxy", stage.start("haproxy", argv, wait_port=port), port)


def start_apache(stage, backend, **_):
    """mod_session_crypto opens the session, mod_headers hands it to the backend."""
    port = stage.port()
    load = "\n".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "proxy", "proxy_http", "headers", "session",
                     "session_cookie", "session_crypto"))
    account = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    os.makedirs(stage.path("apache"), exist_ok=True)
    conf = f"""{load}
{account}
ServerName shop.example.org
ServerRoot {stage.path('apache')}
DefaultRuntimeDir {stage.path('apache')}
PidFile {stage.path('apache', 'pid')}
ErrorLog {stage.path('apache', 'error.log')}
LogLevel crit
Listen 127.0.0.1:{port}
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
Session On
SessionCookieName session path=/;HttpOnly
SessionCookieRemove On
SessionCryptoPassphrase {SECRET}
SessionHeader X-Replace-Session
SessionEnv On
RequestHeader set X-Session-Name "expr=%{{env:HTTP_SESSION}}"
ProxyPass / http://127.0.0.1:{backend}/ enablereuse=on
"""
    argv = [tool("apache2"), "-DFOREGROUND", "-f", stage.write("apache.conf", conf)]
    return Peer("apache", stage.start("apache", argv, wait_port=port), port)


FLASK_APP = '''
from flask import Flask, redirect, request, session
app = Flask(__name__)
app.secret_key = %r

@app.post("/setName")
def set_name():
    session["myName"] = request.form["name"]
    return redirect("/", 303)

@app.get("/")
@app.get("/<path:page>")
def page(page=""):
    return "<h1>Hello " + session.get("myName", "stranger") + "</h1>"
'''


def start_flask(stage, backend=None, **_):
    """The application that keeps its own sessions; there is no backend behind it. gunicorn's sync
    worker is its default and closes after every answer; with its threads, which keep connections
    alive, a request costs 5 % more."""
    port = stage.port()
    stage.write("bench_flask.py", FLASK_APP % SECRET)
    argv = [DEBIAN_PYTHON, "-m", "gunicorn", "--workers", "1", "--bind", f"127.0.0.1:{port}",
            "--log-level", "error", "--chdir", stage.folder, "bench_flask:app"]
    return Peer("flask", stage.start("flask", argv, wait_port=port), port)


def start_keepsake(stage, backend, workers=1, cores=None, tls=None, access_log=False, routes="",
                   values=1, wrap=(), env=None, io_uring=True):
    port = stage.port()
    fields = ", ".join(["myName: name"] + [f"key{n}: field{n}" for n in range(1, values)])
    secure = f"\n    tls: {{certificate: {tls[0]}, key: {tls[1]}}}" if tls else ""
    conf = f"""listen:
  - address: 127.0.0.1:{port}{secure}
workers: {workers}
{'' if io_uring else 'io_uring: false'}
backends:
  app:
    servers: ["http://127.0.0.1:{backend}"]
    keepalive: {{idle: {stage.most_connections()}, idle_timeout: 55s}}
routes:
  - {{path: /setName, set: {{{fields}}}, redirect: /}}
{routes}  - {{path: "/plain/*", backend: app, session: false}}
  - {{path: "/*", backend: app}}
session:
  secrets: [{{env: SESSION_KEY}}]
  headers: {{X-Session-Name: myName}}
  touch_interval: 12h  # the load never takes a renewed cookie: the default would renew on every request
limits: {{requests_per_connection: {HUGE}, connections: {stage.most_connections() + 200}}}
log: {{access: {'true' if access_log else 'false'}}}
"""
    argv = list(wrap) + [keepsake_binary(), "run", "--config",
                         stage.write(f"keepsake-{port}.yaml", conf)]
    process = stage.start("keepsake", argv, core=cores, wait_port=port, patience=60,
                          env={"SESSION_KEY": SECRET, **(env or {})})
    return Peer("keepsake", process, port)


STARTERS = {"relay": start_relay, "nginx": start_nginx, "haproxy": start_haproxy,
            "apache": start_apache, "flask": start_flask, "keepsake": start_keepsake}


def start(name, stage, backend, **options):
    if not available(name):
        raise Failure(f"{name} is not installed")
    return STARTERS[name](stage, backend, **options)

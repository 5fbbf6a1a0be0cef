#!/usr/bin/env python3
"""Real applications behind Keepsake, configured as config/APPLICATIONS.md says: git over http, WebDAV with Apache and
nginx, Django.
    applications_test.py [CLASS[.test]...]"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import support  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that Debian's python3-django belongs to

CONFIG = """\
listen: [{address: "127.0.0.1:0"}]
trusted_proxies: [127.0.0.1]
backends:
  app: {servers: ["http://127.0.0.1:BACKEND"]}
routes:
  - {path: "PATH", backend: app, session: false, limits: {body: 1GiB}, rewrite: {REWRITE}}
session:
  secrets: [{env: SESSION_KEY}]
log: {access: false}
"""

APACHE = """\
ServerName 127.0.0.1
Listen 127.0.0.1:@PORT
PidFile FOLDER/pid
ErrorLog FOLDER/error.log
DocumentRoot FOLDER/files
MODULES
DavLockDB FOLDER/state/locks
<Directory FOLDER/files>
  Dav On
  Require all granted
</Directory>
SetEnv GIT_PROJECT_ROOT FOLDER/repositories
SetEnv GIT_HTTP_EXPORT_ALL 1
SetEnv REMOTE_USER somebody
SetEnv HOME FOLDER
ScriptAlias /git/ GIT_CORE/git-http-backend/
<Directory GIT_CORE>
  Require all granted
</Directory>
"""

NGINX = """\
daemon off;
worker_processes 1;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  server {
    listen 127.0.0.1:@PORT;
    root FOLDER/files;
    dav_methods PUT DELETE MKCOL COPY MOVE;
  }
}
"""

DJANGO = '''\
import sys
from django.conf import settings
settings.configure(DEBUG=False, SECRET_KEY="x" * 50, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["shop.example"],
                   SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"), FORCE_SCRIPT_NAME=sys.argv[2] or None,
                   MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"])
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
def page(request):
    if request.method == "POST":
        return HttpResponse("posted")
    return HttpResponse(f"{request.build_absolute_uri()} {get_token(request)}")
urlpatterns = [path("form/", page)]
if __name__ == "__main__":
    import wsgiref.simple_server
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, get_wsgi_application())
    print(f"listens on {server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()
'''


def missing(*programs):
    return next((program for program in programs if not shutil.which(program)), None)


def answers(port):
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


class Application(support.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        for name in ("files", "repositories", "state"):
            os.mkdir(f"{self.folder}/{name}")
            os.chmod(f"{self.folder}/{name}", 0o777)

    def put_in_front(self, port, path="/*", rewrite="location: true"):
        return self.start(CONFIG.replace("BACKEND", str(port)).replace("PATH", path).replace("REWRITE", rewrite))

    def serve(self, command, port):
        server = support.Running(command)
        self.addCleanup(server.kill)
        self.addCleanup(server.ends)
        self.addCleanup(server.signal, signal.SIGTERM)  # a master takes its workers along
        support.until(f"{command[0]} listens", lambda: answers(port))

    def apache(self):
        if missing("apache2", "git"):
            self.skipTest("apache2 and git are not installed")
        modules = pathlib.Path("/usr/lib/apache2/modules")
        names = ("mpm_event", "authz_core", "unixd", "dav", "dav_fs", "dav_lock", "dir", "alias", "env", "cgi", "mime")
        lines = "".join(f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in names
                        if (modules / f"mod_{name}.so").exists())
        if os.geteuid() == 0:
            lines += "User nobody\nGroup nogroup\n"
        port = support.free_port()
        core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
        pathlib.Path(f"{self.folder}/types").touch()
        text = APACHE.replace("MODULES", lines + f"TypesConfig {self.folder}/types").replace("@PORT", str(port))
        pathlib.Path(f"{self.folder}/apache.conf").write_text(
            text.replace("FOLDER", str(self.folder)).replace("GIT_CORE", core), encoding="utf-8")
        self.serve(["apache2", "-d", self.folder, "-f", f"{self.folder}/apache.conf", "-D", "FOREGROUND"], port)
        return port

    def nginx(self):
        if missing("nginx"):
            self.skipTest("nginx is not installed")
        port = support.free_port()
        text = NGINX.replace("@PORT", str(port)).replace("FOLDER", str(self.folder))
        if os.geteuid() == 0:
            text = "user root;\n" + text
        pathlib.Path(f"{self.folder}/nginx.conf").write_text(text, encoding="utf-8")
        self.serve(["nginx", "-p", self.folder, "-c", f"{self.folder}/nginx.conf"], port)
        return port


class WebDav(Application):
    """The visitor is at https://shop.example, which a balancer in front has ended."""

    OUT = {"Host": "shop.example", "X-Forwarded-Proto": "https"}

    def check_moves(self, port, made):
        keepsake = self.put_in_front(port)
        ask = lambda path, method, body=None, **more: support.request(  # noqa: E731
            keepsake.port, path, method, body, {**self.OUT, **more})
        self.assertEqual(ask("/a.txt", "PUT", "text").status, 201)
        moved = ask("/a.txt", "MOVE", Destination="https://shop.example/b.txt")
        self.assertIn(moved.status, made)
        self.assertIn(ask("/b.txt", "COPY", Destination="https://shop.example/c.txt").status, made)
        self.assertEqual(ask("/a.txt", "GET").status, 404)
        self.assertEqual([ask(f"/{name}.txt", "GET").body for name in "bc"], ["text", "text"])
        self.assertEqual(ask("/b.txt", "MOVE", Destination="https://other.example/d.txt").status, 403)
        # Without the rewriting the server takes the visitor's address for another one.
        plain = self.put_in_front(port, rewrite="location: false")
        answer = support.request(plain.port, "/c.txt", "MOVE", None,
                                 {**self.OUT, "Destination": "https://shop.example/d.txt"})
        return answer.status

    def test_apache_moves_and_copies_behind_tls(self):
        self.assertEqual(self.check_moves(self.apache(), (201, 204)), 502)

    def test_nginx_moves_and_copies_behind_tls(self):
        self.check_moves(self.nginx(), (201, 204))

    def test_an_apache_redirect_leads_back_to_the_visitors_address(self):
        port = self.apache()
        os.makedirs(f"{self.folder}/files/folder")
        keepsake = self.put_in_front(port, "/files/*", "strip_prefix: /files, location: true")
        answer = support.request(keepsake.port, "/files/folder", "GET", None, self.OUT)
        self.assertEqual(answer.headers["Location"], "https://shop.example/files/folder/")


class Git(Application):
    def run_git(self, *words, cwd=None):
        environment = dict(os.environ, HOME=self.folder, GIT_CONFIG_NOSYSTEM="1", GIT_TERMINAL_PROMPT="0",
                           GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@a.example", GIT_COMMITTER_NAME="a",
                           GIT_COMMITTER_EMAIL="a@a.example")
        done = subprocess.run(["git", *words], cwd=cwd or self.folder, env=environment, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_clone_and_a_chunked_push_and_fetch(self):
        keepsake = self.put_in_front(self.apache(), "/git/*")
        repository = f"{self.folder}/repositories/a.git"
        self.run_git("init", "-q", "--bare", repository)
        self.run_git("config", "http.receivepack", "true", cwd=repository)
        subprocess.run(["chmod", "-R", "a+rwX", repository], check=True)
        self.run_git("config", "--global", "safe.directory", "*")
        url = f"http://127.0.0.1:{keepsake.port}/git/a.git"
        self.run_git("clone", "-q", url, f"{self.folder}/one")
        one = f"{self.folder}/one"
        # Above http.postBuffer, and not compressible: git sends it chunked.
        pathlib.Path(f"{one}/large").write_bytes(os.urandom(3 * 1024 * 1024))
        self.run_git("add", "large", cwd=one)
        self.run_git("commit", "-q", "-m", "large", cwd=one)
        self.run_git("push", "-q", "origin", "HEAD:main", cwd=one)
        self.run_git("clone", "-q", "-b", "main", url, f"{self.folder}/two")
        self.assertEqual(pathlib.Path(f"{self.folder}/two/large").read_bytes(),
                         pathlib.Path(f"{one}/large").read_bytes())


class Django(Application):
    def django(self, prefix=""):
        script = pathlib.Path(f"{self.folder}/shop.py")
        script.write_text(DJANGO, encoding="utf-8")
        app = support.Running([PYTHON, str(script), "0", prefix])
        self.addCleanup(app.kill)
        return app.said(r"listens on (\d+)\n")[1]

    def setUp(self):
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import django"], capture_output=True, check=False).returncode != 0:
            self.skipTest("django is not installed")

    def check(self, keepsake, path):
        out = {"Host": "shop.example", "X-Forwarded-Proto": "https"}
        page = support.request(keepsake.port, path, "GET", None, out)
        self.assertEqual(page.status, 200, page.body)
        address, token = page.body.split()
        self.assertEqual(address, f"https://shop.example{path}")
        cookie = re.match(r"csrftoken=[^;]+", page.headers["Set-Cookie"])[0]
        form = {**out, "Origin": "https://shop.example", "Referer": f"https://shop.example{path}", "Cookie": cookie,
                "Content-Type": "application/x-www-form-urlencoded"}
        posted = support.request(keepsake.port, path, "POST", f"csrfmiddlewaretoken={token}", form)
        self.assertEqual((posted.status, posted.body), (200, "posted"))
        slash = support.request(keepsake.port, path[:-1], "GET", None, out)
        self.assertEqual((slash.status, slash.headers["Location"]), (301, path))

    def test_forms_and_redirects_over_https(self):
        self.check(self.put_in_front(self.django(), rewrite="location: false"), "/form/")

    def test_behind_a_prefix_that_it_knows(self):
        self.check(self.put_in_front(self.django("/app"), "/app/*", "strip_prefix: /app"), "/app/form/")

    def test_behind_a_prefix_that_it_does_not_know_redirects_and_cookies_follow(self):
        keepsake = self.put_in_front(self.django(), "/app/*", "strip_prefix: /app, location: true")
        out = {"Host": "shop.example", "X-Forwarded-Proto": "https"}
        slash = support.request(keepsake.port, "/app/form", "GET", None, out)
        self.assertEqual(slash.headers["Location"], "/app/form/")
        page = support.request(keepsake.port, "/app/form/", "GET", None, out)
        self.assertIn("Path=/app;", page.headers["Set-Cookie"] + ";")


if __name__ == "__main__":
    import runner
    sys.argv[1:] = [f"applications_test.{name}" for name in sys.argv[1:]] or ["applications_test"]
    runner.main()

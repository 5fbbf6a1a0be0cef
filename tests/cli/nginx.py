"""A real nginx as a backend, with a configuration of its own."""

import pathlib
import shutil
import socket
import subprocess
import unittest

from support import until

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONFIG = """\
daemon off; master_process off; pid {folder}/nginx-{port}.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ {server} }}
}}
"""
needs_nginx = unittest.skipUnless(pathlib.Path(NGINX).exists(), "nginx is not installed")


class Nginx:
    """Listens at 127.0.0.1:`port` when the constructor returns; `server` is the inside of its server block."""

    def __init__(self, folder, port, server):
        file = pathlib.Path(folder) / f"nginx-{port}.conf"
        file.write_text(CONFIG.format(folder=folder, port=port, server=server))
        self.port = port
        self.child = subprocess.Popen([NGINX, "-p", folder, "-c", file], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        until("nginx listens", self.listens)

    def listens(self):
        assert self.child.poll() is None, self.child.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """At once, its connections cut."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()

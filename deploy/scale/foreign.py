"""A service without sessions: it greets whom the header names. Run by compose.scale.yaml."""

import html
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Greeting(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = urllib.parse.unquote(self.headers.get("X-Session-Name", ""))
        text = f"<!doctype html><title>Foreign</title><p>Hello, {html.escape(name) or 'stranger'}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("0.0.0.0", 8000), Greeting).serve_forever()

# The service behind flask.yaml: it has no session, no cookie and no secret; it reads a header.
from html import escape
from urllib.parse import unquote

from flask import Flask, request

app = Flask(__name__)


@app.get("/")
def page():
    name = unquote(request.headers.get("X-Session-Name", ""))
    return f"<h1>Hello {escape(name)}</h1>" if name else "<h1>Who are you?</h1>"

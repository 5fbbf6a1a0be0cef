# The backend of keepsake.yaml: it checks a password and names the user to Keepsake. It has no session, no cookie and no secret.
from html import escape
from urllib.parse import unquote, urlencode

from flask import Flask, redirect, request
from werkzeug.security import check_password_hash, generate_password_hash

USERS = {"ada": generate_password_hash("correct horse")}  # of course in a database
NOBODY = generate_password_hash("of nobody")  # an unknown name takes as long as a wrong password
FORM = """<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1>{}<form method="post" action="/login">
<label>Name <input name="user" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<label><input name="stay" type="checkbox"> Remember me</label>
<button>Sign in</button></form>"""
ACCOUNT = """<!doctype html><html lang="en"><title>Account</title><h1>Hello {}</h1><p>{}</p>
<form method="post" action="/logout"><button>Sign out</button></form>"""
app = Flask(__name__)


@app.get("/")
def home():
    return '<!doctype html><html lang="en"><title>Home</title><h1>Home</h1><a href="/account">Your account</a>'


@app.get("/login")
def form():
    return FORM.format("")


@app.post("/login")
def login():
    user, password = request.form.get("user", ""), request.form.get("password", "")
    if not check_password_hash(USERS.get(user, NOBODY), password) or user not in USERS:
        return FORM.format("<p>Wrong name or password.</p>"), 403
    answer = redirect(request.headers.get("X-Session-Return", "/account"), 303)
    answer.headers["X-Session-Set"] = urlencode({"user": user})
    answer.headers["X-Session-Lifetime"] = "30d" if request.form.get("stay") else "browser"
    return answer


@app.get("/account", defaults={"page": ""})
@app.get("/account/<path:page>")
def account(page):
    return ACCOUNT.format(escape(unquote(request.headers["X-Session-User"])), escape(request.full_path))

// The backend of keepsake.yaml: it checks a password and names the user to Keepsake. No session middleware, no cookie, no secret.
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import express from "express";

const hash = (password, salt = randomBytes(16)) => ({ salt, key: scryptSync(password, salt, 32) });
const users = new Map([["ada", hash("correct horse")]]); // of course in a database
const nobody = hash("of nobody"); // an unknown name takes as long as a wrong password
const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}`;
const form = (note) => page("Sign in", `${note}<form method="post" action="/login">
<label>Name <input name="user" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<label><input name="stay" type="checkbox"> Remember me</label>
<button>Sign in</button></form>`);

const app = express();
app.get("/", (request, response) => response.send(page("Home", '<a href="/account">Your account</a>')));
app.get("/login", (request, response) => response.send(form("")));
app.post("/login", express.urlencoded({ extended: false }), (request, response) => {
  const { user = "", password = "", stay } = request.body;
  const known = users.get(String(user)) ?? nobody;
  if (!timingSafeEqual(hash(String(password), known.salt).key, known.key) || known === nobody) {
    return response.status(403).send(form("<p>Wrong name or password.</p>"));
  }
  response.set("X-Session-Set", String(new URLSearchParams({ user })));
  response.set("X-Session-Lifetime", stay ? "30d" : "browser");
  return response.status(303).set("Location", request.get("X-Session-Return") ?? "/account").end();
});
app.get(/^\/account(\/|$)/, (request, response) => {
  const user = decodeURIComponent(request.get("X-Session-User"));
  response.send(page(`Hello ${escape(user)}`, `<p>${escape(request.url)}</p>
<form method="post" action="/logout"><button>Sign out</button></form>`));
});
app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

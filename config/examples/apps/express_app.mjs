// The service behind express.yaml: no session middleware; it reads a header.
import express from "express";

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const app = express();

app.get("/", (request, response) => {
  const name = decodeURIComponent(request.get("X-Session-Name") ?? "");
  response.send(name ? `<h1>Hello ${escape(name)}</h1>` : "<h1>Who are you?</h1>");
});

app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");

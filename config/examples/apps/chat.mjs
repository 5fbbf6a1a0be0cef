// The service behind websocket.yaml: a chat in which everybody's name comes from the session.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });

server.on("connection", (socket, request) => {
  const name = decodeURIComponent(request.headers["x-session-name"] ?? "somebody");
  socket.on("message", (text) => {
    for (const other of server.clients) {
      other.send(`${name}: ${text}`);
    }
  });
});

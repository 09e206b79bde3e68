// The reference server: socket.io with ws, one process.
// usage: node server.mjs HOST:PORT [PING_INTERVAL_IN_SECONDS]
import { createServer } from "node:http";
import { Server } from "socket.io";

const [host, port] = (process.argv[2] ?? "127.0.0.1:3000").split(":");
const pingInterval = Number(process.argv[3] ?? 25) * 1000;

const http = createServer();
const io = new Server(http, { pingInterval });

io.on("connection", (socket) => {
  const back = (v, ack) => ack(v);
  socket.on("echo", back);
  socket.on("raw", back);
  socket.on("binary", back);
  socket.on("broadcast", (v) => io.emit("message", v));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack(room);
  });
  socket.on("room", (room, v) => io.to(room).emit("message", v));
});

http.listen(Number(port), host);

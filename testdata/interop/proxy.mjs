// Two servers behind a proxy that keeps each client with one of them. The Go test
// takes one away in the end.
import { check, done, tell } from "./check.mjs";
import { checkTransport, connect, once, transport } from "./client.mjs";

const url = process.argv[2], mode = process.argv[3];
const options = () => ({
  extraHeaders: { Origin: url }, // what a page of this address sends; the client adds its cookies to the object
  withCredentials: true, // cookies, which browsers keep without being told
  reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200,
});
const clients = [], seen = new Set();
while (clients.length < 6 || seen.size < 2 && clients.length < 40) {
  const socket = connect("/", options());
  const upgraded = new Promise((resolve) => socket.io.once("open", () => socket.io.engine.once("upgrade", resolve)));
  await once(socket, "connect");
  if (mode === "upgrade") await upgraded;
  const name = await socket.emitWithAck("who");
  seen.add(name);
  clients.push({ socket, name });
}
check("both servers have clients", [...seen].sort(), ["a", "b"]);
for (const { socket, name } of clients) {
  checkTransport(socket);
  check("stays with its server", await socket.emitWithAck("who"), name);
  check("text", await socket.emitWithAck("same", "é ".repeat(10_000)), "é ".repeat(10_000));
  check("binary", await socket.emitWithAck("same", Buffer.alloc(100_000, 7)), Buffer.alloc(100_000, 7));
  check("the address", await socket.emitWithAck("address"), "127.0.0.1");
}

// What the server sends does not wait in the proxy.
const first = clients[0].socket;
const news = once(first, "news");
first.emit("tell me");
check("news", await news, ["now"]);

const lost = clients.filter(({ name }) => name === "a").map(({ socket }) => once(socket, "disconnect"));
tell("take a away");
await Promise.all(lost);
for (const { socket, name } of clients) {
  if (!socket.connected) await once(socket, "connect");
  check(`${name} is at b`, await socket.timeout(20_000).emitWithAck("who"), "b");
}
if (mode === "upgrade") for (const { socket } of clients) {
  if (transport(socket) === "polling") await once(socket.io.engine, "upgrade");
}
checkTransport(first);
done();

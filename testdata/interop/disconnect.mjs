// Leaving, from both sides, with the reasons that both sides are told.
import { check, done } from "./check.mjs";
import { checkTransport, once, ready, transport } from "./client.mjs";

// watch is told "gone" by the server, with the label and the reason.
const watch = await ready("/watch");
const gone = new Map();
watch.on("gone", (label, reason, rooms) => {
  gone.get(label)?.([reason, rooms.length]);
});

async function scenario(label, leave, want) {
  const server = new Promise((resolve) => gone.set(label, resolve));
  const socket = await ready("/", { auth: { label } });
  await socket.emitWithAck("join", "red");
  checkTransport(socket);
  const client = once(socket, "disconnect");
  await leave(socket);
  const [reason] = await client;
  check(label, [reason, ...await server], [...want, 2]);
  return socket;
}

await scenario("the client leaves", (s) => s.disconnect(),
  ["io client disconnect", "client namespace disconnect"]);
const sent = await scenario("the server sends it away", (s) => s.emit("kick"),
  ["io server disconnect", "server namespace disconnect"]);
check("no reconnection then", sent.active, false);
await scenario("the server closes the connection", (s) => s.emit("kick out"),
  ["io server disconnect", "server namespace disconnect"]);
await scenario("the client's connection closes", (s) => s.io.engine.close(),
  ["forced close", "transport close"]);

// What was emitted before the end still arrives.
const last = await ready("/");
const words = once(last, "last words");
const end = once(last, "disconnect");
last.emit("last words");
check("last words", await words, ["bye"]);
check("and then the end", (await end)[0], "io server disconnect");

// One namespace of two.
const main = await ready("/");
const room = main.io.socket("/room");
await once(room, "connect");
const left = once(room, "disconnect");
room.emit("kick");
check("from one namespace", (await left)[0], "io server disconnect");
check("the other stays", await main.emitWithAck("same", "here"), "here");
check("on its transport", transport(main), transport(watch));
done();

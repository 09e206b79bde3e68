// Messages both ways while the connection moves from polling to a WebSocket.
import { check, done } from "./check.mjs";
import { connect, once, take, transport } from "./client.mjs";

const count = 50;
const socket = connect("/");
const numbers = [...Array(count).keys()];
const fromServer = take(socket, "tick", count);
const upgraded = new Promise((resolve) => socket.io.once("open", () => {
  check("begins with polling", transport(socket), "polling");
  socket.io.engine.once("upgrade", resolve);
}));
await once(socket, "connect");

// Spread over the upgrade: some before, some while it probes, some after. The
// server answers each with a tick of its own, and by the ack.
const acks = [];
for (const n of numbers) {
  acks.push(socket.emitWithAck("collect", n, n % 5 ? null : Buffer.from([n])));
  if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
}
await upgraded;
check("moves to a WebSocket", transport(socket), "websocket");
check("from the server, in order", (await fromServer).map(([n]) => n), numbers);
check("the acks", await Promise.all(acks), numbers);
check("to the server, in order", await socket.emitWithAck("collected"), numbers);
done();

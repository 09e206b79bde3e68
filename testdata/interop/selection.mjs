// Three clients that the server asks, counts, lists, moves and sends away together.
import { check, done } from "./check.mjs";
import { checkTransport, once, ready } from "./client.mjs";

const sockets = await Promise.all([1, 2, 3].map(() => ready("/")));
const [a, b, c] = sockets;
sockets.forEach((socket, i) => socket.on("q", (data, answer) => answer(i, Buffer.from(data))));

await Promise.all([a, b].map((s) => s.emitWithAck("join", "red")));
check("acks of all", await a.emitWithAck("ask", []), ["0:7", "1:7", "2:7"]);
check("acks of a room", await c.emitWithAck("ask", ["red"]), ["0:7", "1:7"]);
check("count", await c.emitWithAck("count", ["red"]), 2);
check("fetch", await c.emitWithAck("fetch", ["red"]), [a.id, b.id].sort());

await c.emitWithAck("move", ["red"], "blue");
check("moved", await c.emitWithAck("fetch", ["blue"]), [a.id, b.id].sort());
check("left", await c.emitWithAck("count", ["red"]), 0);

b.off("q");
check("a silent one is named", (await a.emitWithAck("missing", [a.id, b.id], 500)).includes(b.id), true);
const leaving = b.id;
const missing = c.emitWithAck("missing", [a.id, b.id], 0);
once(b, "q").then(() => b.disconnect()); // while it is asked
check("one that goes is named, without a timeout", await missing, [leaving]);

const goodbye = Promise.all([once(a, "goodbye"), once(a, "disconnect")]);
await c.emitWithAck("send away", [a.id]);
check("the last word and the reason", (await goodbye)[1][0], "io server disconnect");
checkTransport(c);
done();

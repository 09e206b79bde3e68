// Several namespaces on one connection; refusals.
import { check, done } from "./check.mjs";
import { checkTransport, connect, isNewest, once, ready } from "./client.mjs";

const main = await ready("/");
const manager = main.io;
// join connects to a namespace over the connection that there is: by the socket
// for that path, if there has been one.
const known = new Map();
function join(path, auth) {
  const socket = known.get(path);
  if (!socket) {
    known.set(path, manager.socket(path, { auth }));
    return known.get(path);
  }
  socket.auth = auth;
  return socket.connect();
}
const room = join("/room");
await once(room, "connect");
check("one connection", room.io.engine === main.io.engine, true);
check("ids differ", new Set([main.id, room.id, main.io.engine.id]).size, 3);
check("the other namespace answers", await room.emitWithAck("where"), "/room");
check("the first still does", await main.emitWithAck("same", 1), 1);
check("the server sees one client", await main.emitWithAck("also in", "/room"), room.id);

const events = [];
main.on("news", (text) => events.push("main " + text));
room.on("news", (text) => events.push("room " + text));
await room.emitWithAck("news", "hello");
await main.emitWithAck("same");
check("an event stays in its namespace", events, ["room hello"]);

room.disconnect();
check("leaving one leaves the other", await main.emitWithAck("same", 2), 2);
check("the server has forgotten", await main.emitWithAck("also in", "/room"), "");
room.connect();
await once(room, "connect");
check("joining again", await room.emitWithAck("where"), "/room");

// The error of a refusal has a message and data.
const refusal = async (socket) => {
  const [error] = await once(socket, "connect_error");
  return [error.message, error.data === undefined ? "none" : error.data, socket.connected, isNewest && socket.active];
};
check("a refusal", await refusal(join("/guarded", { token: "wrong" })),
  ["not with that token", { hint: "ask Ann", tries: [1, 2] }, false, false]);
check("a refusal without data", await refusal(join("/guarded", { token: "" })),
  ["Connection rejected by server", "none", false, false]);
check("a failure has no text", await refusal(join("/guarded", { token: "panic" })),
  ["Internal server error", "none", false, false]);
check("an unknown namespace", await refusal(join("/nowhere")), ["Invalid namespace", "none", false, false]);
check("the connection outlives refusals", await main.emitWithAck("same", 3), 3);

const guarded = join("/guarded", { token: "right" });
const welcome = once(guarded, "welcome");
await once(guarded, "connect");
check("what OnConnect emits comes after", await welcome, ["right"]);
checkTransport(main);

const alone = connect("/nowhere");
check("an unknown namespace as the first", (await once(alone, "connect_error"))[0].message, "Invalid namespace");
const query = await ready("/room?x=1");
check("a query is no part of the path", await query.emitWithAck("where"), "/room");
done();

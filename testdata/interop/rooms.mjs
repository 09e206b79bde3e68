// Rooms and broadcasts among three clients.
import { check, done } from "./check.mjs";
import { checkTransport, ready } from "./client.mjs";

const names = ["a", "b", "c"];
const sockets = await Promise.all(names.map(() => ready("/")));
const [a, b, c] = sockets;
let heard;
sockets.forEach((socket, i) => socket.on("said", (text, raw) => {
  heard.push(names[i] + ":" + text + (raw ? ":" + raw.length : ""));
}));
// say has one of them talk, and returns who heard it. The calls behind it come
// back after what was said before them.
async function say(socket, ...args) {
  heard = [];
  await socket.emitWithAck(...args);
  await Promise.all(sockets.map((s) => s.emitWithAck("same")));
  return heard.sort();
}

await Promise.all([a.emitWithAck("join", "red"), b.emitWithAck("join", "red", "blue"), c.emitWithAck("join", "blue")]);
check("a lists its rooms", await a.emitWithAck("rooms"), [a.id, "red"]);
check("everybody", await say(a, "say", "all"), ["a:all", "b:all", "c:all"]);
check("everybody else", await say(a, "say others", "others"), ["b:others", "c:others"]);
check("a room, the sender in it", await say(a, "say to", ["red"], "red"), ["a:red", "b:red"]);
check("a room, from outside", await say(c, "say to", ["red"], "red"), ["a:red", "b:red"]);
check("two rooms, each once", await say(a, "say to", ["red", "blue"], "both"), ["a:both", "b:both", "c:both"]);
check("a room without the sender", await say(a, "say to others", ["red"], "red"), ["b:red"]);
check("no room", await say(a, "say to", [], "nobody"), []);
check("a room with nobody in it", await say(a, "say to", ["green"], "nobody"), []);
check("everybody but a room", await say(a, "say except", ["red"], "rest"), ["c:rest"]);
check("one by id", await say(a, "say to", [c.id], "you"), ["c:you"]);
check("binary to a room", await say(a, "say binary to", ["blue"], Buffer.alloc(3)), ["b:binary:3", "c:binary:3"]);
await b.emitWithAck("leave", "red");
check("who left is not told", await say(a, "say to", ["red"], "red"), ["a:red"]);
c.disconnect();
sockets.pop();
check("who is gone is not told", await say(b, "say to", ["blue"], "blue"), ["b:blue"]);
sockets.forEach(checkTransport);
done();

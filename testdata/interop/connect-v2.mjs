// What socket.io-client 2.x has different: who joins "/", ids, queries, refusals.
import { check, done } from "./check.mjs";
import { checkTransport, connect, once, ready } from "./client.mjs";

const socket = connect("/", { query: { color: "green" }, extraHeaders: { "X-Colour": "blue" } });
const [[welcome]] = await Promise.all([once(socket, "welcome"), once(socket, "connect")]);
check("the query arrives", welcome.query, "green");
check("headers arrive", welcome.header, "blue");
check("there is no auth", welcome.auth, null);
check("both sides know the id", welcome.id, socket.id);
check("it is the connection's", socket.id, socket.io.engine.id);

// join asks for a namespace over the same connection. A client may ask again.
const join = (path, query) => socket.io.socket(path, { query });
const room = join("/room");
await once(room, "connect");
check("another namespace", await room.emitWithAck("where"), "/room");
check("its id has that in front", room.id, "/room#" + socket.io.engine.id);
check("both sides know it", await socket.emitWithAck("also in", "/room"), room.id);
const news = once(room, "news");
room.emit("mine");
check("and it is a room", await news, ["yours"]);
room.disconnect();
check("leaving one leaves the other", await socket.emitWithAck("also in", "/room"), "");
room.connect();
await once(room, "connect");
check("joining again", await room.emitWithAck("where"), "/room");

const guarded = join("/guarded", { token: "right", more: "a,b&c=ü" });
check("a query is the auth payload", await once(guarded, "welcome"), ["right"]);
const refusal = async (query) => {
  const refused = connect("/guarded", { query });
  const [error] = await once(refused, "error");
  refused.close();
  return error;
};
check("a refusal with data is the data", await refusal({ token: "wrong" }), { hint: "ask Ann", tries: [1, 2] });
check("a refusal without is the message", await refusal({}), "Connection rejected by server");
check("a failure has no text", await refusal({ token: "panic" }), "Internal server error");
check("an unknown namespace", await once(join("/nowhere"), "error"), [{ message: "Invalid namespace" }]);
check("the connection outlives that", await socket.emitWithAck("same", 3), 3);

// Binary data where the client says that it takes none.
const text = await ready("/", { forceBase64: true });
const bytes = Buffer.from([0, 1, 254, 255]);
check("base64 both ways", await text.emitWithAck("same", { deep: [bytes] }), { deep: [bytes] });
checkTransport(text);
check("a large one", (await text.emitWithAck("same", Buffer.alloc(100_000, 7))).length, 100_000);
done();

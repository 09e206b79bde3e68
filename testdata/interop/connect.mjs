// Connecting: auth both ways, ids, the handshake.
import { check, done } from "./check.mjs";
import { checkTransport, connect, once, ready } from "./client.mjs";

const auth = { token: "s3cret", deep: { list: [1, "zwei", null], "ключ": "🔑" } };
const socket = connect("/", { auth, query: { color: "green" }, extraHeaders: { "X-Colour": "blue" } });
const [[welcome]] = await Promise.all([once(socket, "welcome"), once(socket, "connect")]);
check("auth arrives", welcome.auth, auth);
check("the query arrives", welcome.query, "green");
check("headers arrive", welcome.header, "blue");
check("both sides know the id", welcome.id, socket.id);
check("the id is not the connection's", socket.id !== socket.io.engine.id, true);
check("the id has 20 characters", socket.id.length, 20);
socket.disconnect();

const plain = connect("/");
check("no auth is none", (await once(plain, "welcome"))[0].auth, null);
plain.disconnect();

const settled = await ready("/");
checkTransport(settled);
check("and it works there", await settled.emitWithAck("same", "ping"), "ping");
done();

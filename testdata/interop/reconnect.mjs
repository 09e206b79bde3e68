// The server goes away and comes back; the Go test restarts it in between.
import { check, done, tell } from "./check.mjs";
import { checkTransport, connect, once, transport } from "./client.mjs";

const socket = connect("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100, auth: { label: "me" } });
await once(socket, "connect");
const before = socket.id;
check("before", await socket.emitWithAck("same", 1), 1);

const lost = once(socket, "disconnect");
tell("connected");
const [reason] = await lost;
check("the connection is lost", ["transport close", "transport error"].includes(reason), true);
check("the client will try again", socket.active, true);
tell("lost");

socket.emit("same", 2, (n) => check("what was emitted meanwhile", n, 2)); // the client keeps it
await once(socket, "connect");
check("a new id", socket.id !== before, true);
check("after", await socket.emitWithAck("same", 3), 3);
if (process.argv[3] === "upgrade" && transport(socket) === "polling") await once(socket.io.engine, "upgrade");
checkTransport(socket);
done();

// Acknowledgements both ways.
import { check, done } from "./check.mjs";
import { checkTransport, once, ready } from "./client.mjs";

const socket = await ready("/");
const call = (event, ...args) => new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));

check("results", await call("results"), ["one", 2]);
check("no result", await call("nothing"), []);
check("emitWithAck", await socket.emitWithAck("results"), "one");
check("arguments back", await call("same", 1, { a: [null] }, "é"), [1, { a: [null] }, "é"]);
check("later", await call("later", "x"), ["x later"]);
check("an error for the client", await call("fail"), [{ error: { message: "no soup", data: { left: 0 } } }]);
check("many at once", await Promise.all([...Array(50).keys()].map((n) => call("same", n))),
  [...Array(50).keys()].map((n) => [n]));
if (socket.timeout) check("nobody answers", await socket.timeout(50).emitWithAck("nobody knows this").catch((error) => error.message),
  "operation has timed out");

// The server asks. It tells what it got by the event "answered".
socket.on("question", (...args) => args.pop()(...args, "from the client", Buffer.from([7])));
socket.emit("ask me", "how", { are: "you" });
check("the server waits for it", await once(socket, "answered"),
  ["how", { are: "you" }, "from the client", Buffer.from([7])]);
socket.on("question without words", (answer) => answer());
socket.emit("ask me without words");
check("the server waits for nothing", await once(socket, "answered"), []);
socket.on("sum", async (a, b, answer) => answer(a + b));
socket.emit("ask with callback", 2, 3);
check("the server has a callback", await once(socket, "called back"), [5, null]);
socket.on("never", () => {});
socket.emit("ask in vain");
check("the server waits in vain", await once(socket, "answered"), ["context deadline exceeded"]);
socket.emit("ask inside", 20, 22);
check("a handler that waits", await once(socket, "answered"), [42]);
checkTransport(socket);
done();

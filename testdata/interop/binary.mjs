// Binary data both ways: at the top, at depth, beside text, in acks.
import { check, done } from "./check.mjs";
import { checkTransport, client, once, ready } from "./client.mjs";

const socket = await ready("/");
const bytes = (...list) => Buffer.from(list);
const cases = [
  ["one", bytes(1, 2, 3)],
  ["empty", bytes()],
  ["all values", Buffer.from([...Array(256).keys()])],
  ["beside text", "a", bytes(0, 255), { n: 1 }, bytes(4)],
  ["at depth", { file: { name: "x", parts: [bytes(1), { more: bytes(2, 3) }] } }],
  ["100 kB", Buffer.alloc(100_000, 7)],
];
for (const [name, ...args] of cases) {
  const back = once(socket, "echoed");
  socket.emit("echo", ...args);
  check(name, await back, args);
}
if (client !== "socket.io-client-2") check("a typed array", await socket.emitWithAck("same", new Uint16Array([258])), bytes(2, 1));
check("an ArrayBuffer", await socket.emitWithAck("same", new Uint8Array([9, 8]).buffer), bytes(9, 8));

const file = { name: "pic.png", data: bytes(137, 80, 78, 71), parts: [bytes(1), bytes(2)], more: { k: bytes(3) } };
check("into a Go struct, and back by the ack", await socket.emitWithAck("file", file), { ...file, name: "PIC.PNG" });
socket.emit("push file");
check("from Go at depth", await once(socket, "file"), [
  { name: "go", data: bytes(1, 2), parts: [bytes(3)], more: { k: bytes(4, 5) } }, "beside", bytes(6),
]);
checkTransport(socket);
done();

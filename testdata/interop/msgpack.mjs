// What MessagePack says otherwise than JSON. The other scenarios run with it, too.
import { check, done } from "./check.mjs";
import { checkTransport, connect, once, ready } from "./client.mjs";

const socket = await ready("/");
const bytes = (...list) => Buffer.from(list);

// Back and forth by an ack, then by an event.
const cases = [
  ["integers", 0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 63],
  ["below zero", -1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1],
  ["fractions", 0.1, -2.5, 1e-7, 123456.789, 5e-324, 2 ** -20],
  ["text", "", "Grüße, мир, 世界, 👩‍👩‍👧, \u2028 \u0000 \\ \" </script>", "x".repeat(31), "x".repeat(32), "ü".repeat(70_000)],
  ["null at all depths", null, [null], { a: null }],
  ["long lists", Array(15).fill(1), Array(16).fill("a"), [...Array(70_000).keys()]],
  ["large objects", Object.fromEntries([...Array(16).keys()].map((n) => ["k" + n, [n]])), {}, { "": {} }],
  ["binary in its place", bytes(1), { deep: [bytes(), "beside", { er: bytes(0, 255) }] }, Buffer.alloc(300, 7)],
  ["large binary", Buffer.alloc(100_000, 9)],
];
for (const [name, ...args] of cases) {
  check(name + ", by an ack", await new Promise((resolve) => socket.emit("same", ...args, (...answer) => resolve(answer))), args);
  const back = once(socket, "echoed");
  socket.emit("echo", ...args);
  check(name + ", by an event", await back, args);
}

check("a Date", await socket.emitWithAck("same", { at: new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)) }),
  { at: "2024-02-29T12:34:56.789Z" });
check("a Date in Go", await socket.emitWithAck("later by", new Date(Date.UTC(1969, 11, 31, 23, 59, 59, 1)), 1500),
  "1970-01-01T00:00:00.501Z");
check("undefined", await socket.emitWithAck("same", { a: undefined, b: [undefined] }), { b: [null] });
check("no numbers", await socket.emitWithAck("same", [NaN, Infinity, -Infinity]), [null, null, null]);
check("a typed array", await socket.emitWithAck("same", new Uint8Array([1, 2, 3])), bytes(1, 2, 3));
check("digits beyond 53 bits", await socket.emitWithAck("add", 2 ** 53, 1), "9007199254740993");

const refused = connect("/guarded", { auth: { token: "wrong" } });
const [error] = await once(refused, "connect_error");
check("a refusal", [error.message, error.data], ["not with that token", { hint: "ask Ann", tries: [1, 2] }]);

// What the text parser takes for the place of binary data is data here, or breaks the protocol.
check("a look-alike", await socket.emitWithAck("same", { _placeholder: false, num: 0 }), { _placeholder: false, num: 0 });
checkTransport(socket);
const gone = once(socket, "disconnect");
socket.emit("same", { _placeholder: true, num: 0 }, Buffer.from("secret"), () => {});
const [reason] = await gone;
check("a forged place of binary data", ["transport close", "transport error"].includes(reason), true);
done();

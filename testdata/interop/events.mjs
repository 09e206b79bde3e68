// Events both ways, with all that JSON can say.
import { check, done } from "./check.mjs";
import { checkTransport, once, ready, take } from "./client.mjs";

const socket = await ready("/");
const cases = [
  ["no argument"],
  ["text", "hello"],
  ["empty text", ""],
  ["number", 42],
  ["fraction", -0.25],
  ["large number", 9007199254740991],
  ["bool", true],
  ["null", null],
  ["unicode", "Grüße, мир, 世界, 👩‍👩‍👧, \u2028 \u0000 \\ \" </script>"],
  ["list", [1, [2, [3, []]]]],
  ["nested", { a: { b: { c: [{ d: null }, "e"] } }, "": "empty key" }],
  ["several", 1, "two", { three: 3 }, [4], null],
  ["placeholder look-alike", { _placeholder: "no", num: "none" }],
  ["100 kB", "ü".repeat(50_000)],
];
for (const [name, ...args] of cases) {
  const back = once(socket, "echoed");
  socket.emit("echo", ...args);
  check(name, await back, args);
}

socket.emit("typed", "Ann", 3, { tags: ["a", "b"], extra: true });
check("decoded into Go types", await once(socket, "typed"), ["Ann", 3, { tags: ["a", "b"] }]);

socket.send("a message");
check("send", await once(socket, "message"), ["a message"]);

socket.emit("with spaces & ünïcode", 1);
check("a name no method has", await once(socket, "with spaces & ünïcode"), [1]);

const burst = take(socket, "burst", 100);
socket.emit("burst", 100);
check("a burst in order", (await burst).map(([n]) => n), [...Array(100).keys()]);
checkTransport(socket);
done();

// The network fails and comes back: the Go test cuts the TCP connections in between.
// node recovery.mjs URL MODE PARSER CLIENT ROUNDS FIRST, where FIRST is how many events
// come before the first cut.
import { check, done, tell } from "./check.mjs";
import { checkTransport, connect, once, transport } from "./client.mjs";

const [mode, rounds, first] = [process.argv[3], Number(process.argv[6]), Number(process.argv[7])];
const socket = connect("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50, auth: { label: "me" } });
const got = [];
let arrived = () => {};
socket.onAny((name, n, ...rest) => {
  if (name === "volatile" && got.includes(n)) return;
  got.push(n);
  if (name === "binary") check("what is binary", rest[0], Buffer.from([n]));
  check(`an offset behind ${name}`, typeof rest.at(-1), "string");
  arrived();
});
const upTo = (n) => new Promise((resolve) => {
  arrived = () => got.length >= n && resolve();
  arrived();
});
const upgraded = async () => {
  if (mode === "upgrade" && transport(socket) === "polling") await once(socket.io.engine, "upgrade");
  checkTransport(socket);
};

await once(socket, "connect");
check("at first it is not recovered", Boolean(socket.recovered), false);
const id = socket.id;
await upgraded();
check("joined", await socket.emitWithAck("join", "room"), true);

let want = 0;
for (let round = 1; round <= rounds; round++) {
  socket.once("disconnect", () => tell(`lost ${round}`));
  const back = new Promise((resolve) => socket.once("connect", () => resolve([...got])));
  tell(`ready ${round}`);
  await upTo((want += round === 1 ? first : 0));
  tell(`cut ${round}`); // and four events are sent meanwhile
  want += 4;
  const atConnect = await back;
  check(`round ${round}: recovered`, socket.recovered, true);
  check(`round ${round}: the same id`, socket.id, id);
  const all = [...Array(want).keys()].map((n) => n + 1);
  check(`round ${round}: what was missed, before connect`, atConnect, all);
  await upgraded();
  check(`round ${round}: the room`, await socket.emitWithAck("rooms"), [id, "room"]);
  check(`round ${round}: nothing twice`, got, all);
}
done();

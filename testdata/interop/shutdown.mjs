// Clients under load while the server is told to end; another takes its place. Each
// client tells that one which answers it got from the first.
import { check, done, tell } from "./check.mjs";
import { checkTransport, connect, once } from "./client.mjs";

const clients = 30, together = 10, enough = 600;
const all = [];
let answered = 0, stopped = false;

function start(n) {
  const socket = connect("/", { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 200 });
  const client = { socket, acked: [], reasons: [] };
  let next = 0;
  const ask = (event) => {
    const id = `${n}-${next++}`;
    socket.emit(event, id, () => {
      client.acked.push(id);
      if (++answered === enough) tell("loaded");
      if (!stopped) ask("work");
    });
  };
  client.first = once(socket, "connect").then(() => {
    for (let i = 0; i < together; i++) ask("work");
    if (n % 3 === 0) ask("slow"); // holds up what is behind it
  });
  client.moved = once(socket, "disconnect").then(([reason]) => {
    stopped = true;
    client.reasons.push(reason);
    return once(socket, "connect");
  });
  all.push(client);
}

for (let n = 0; n < clients; n++) start(n);
// More come, and move to a WebSocket, until the server ends.
for (let n = clients; !stopped && n < 150; n++) {
  await Promise.race([new Promise((resolve) => setTimeout(resolve, 5)), all[0].moved]);
  if (!stopped) start(n);
}
await all[0].moved;
for (const client of all) {
  // Who had not connected yet finds the other server at once.
  await client.first;
  if (client.acked.length + client.reasons.length > 0) await client.socket.timeout(20_000).emitWithAck("acked", client.acked);
}
const odd = all.flatMap(({ reasons }) => reasons).filter((r) => r !== "transport close" && r !== "transport error");
check("why connections ended", odd, []);
checkTransport(all[0].socket);
done();

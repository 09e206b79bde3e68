// The option retries against middleware.Once: what is sent again is served once.
import { check, done } from "./check.mjs";
import { connect, once } from "./client.mjs";

const retrying = { ackTimeout: 300, retries: 50, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };
const shop = connect("/shop", { ...retrying, auth: { user: "ann" } });
await once(shop, "connect");

const sent = [];
shop.onAnyOutgoing((event, ...args) => sent.push({ event, args, sid: shop.id }));
const resent = (name, event) => {
  const tries = sent.filter((s) => s.event === event);
  check(`${name}: sent more than once`, tries.length > 1, true);
  const args = tries.map((s) => JSON.stringify(s.args));
  check(`${name}: the same arguments each time`, args.every((a) => a === args[0]), true);
  return new Set(tries.map((s) => s.sid)).size;
};

// The server acts, and its ack is not sent.
check("ack lost: the answer", await shop.emitWithAck("lose ack", { amount: 5, once: crypto.randomUUID() }), "receipt 1");
check("ack lost: sockets", resent("ack lost", "lose ack"), 1);

// The server acts, and the network is gone before its ack.
check("connection lost: the answer", await shop.emitWithAck("lose connection", { amount: 6, once: crypto.randomUUID() }), "receipt 2");
check("connection lost: sockets", resent("connection lost", "lose connection"), 2);

// The server takes longer than the client waits.
check("slow: the answer", await shop.emitWithAck("slow", { amount: 7, once: crypto.randomUUID() }), "receipt 3");
resent("slow", "slow");

// The server answers later, and the network is gone meanwhile.
check("late: the answer", await shop.emitWithAck("late", { amount: 8, once: crypto.randomUUID() }), "receipt 4");
check("late: sockets", resent("late", "late"), 2);

// The server fails once, which is no answer.
check("failure: the answer", await shop.emitWithAck("fail once", { amount: 9, once: crypto.randomUUID() }), "receipt 5");
check("sold", await shop.emitWithAck("sold"), [5, 6, 7, 8, 9]);
done();

// The client in Chromium over WebTransport: node browser-webtransport.mjs URL HASH,
// where URL is that of a page with the client and HASH the certificate's, in hex.
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, hash] = process.argv.slice(2);
const browser = await launch();
const page = await browser.open(url, undefined, { ignoreHTTPSErrors: true });

// The client does not wait for what it reads from when it closes that itself.
await page.evaluate(() => addEventListener("unhandledrejection", (event) => {
  if (event.reason instanceof WebTransportError) event.preventDefault();
}));

// session connects, exchanges text, binary and acks, and tells what it saw.
const session = (transports) => page.evaluate(async ({ hash, transports }) => {
  const value = new Uint8Array(hash.match(/../g).map((byte) => parseInt(byte, 16)));
  const socket = io({
    transports,
    reconnection: false,
    transportOptions: { webtransport: { serverCertificateHashes: [{ algorithm: "sha-256", value }] } },
  });
  const event = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));
  const failed = event(socket, "connect_error").then(([error]) => { throw new Error(`connect_error: ${error}`); });
  const within = (what) => Promise.race([what, failed]);

  await within(event(socket, "connect"));
  const engine = socket.io.engine;
  if (engine.transport.name !== transports.at(-1)) await within(event(engine, "upgrade"));
  const seen = { transport: engine.transport.name };
  seen.ack = await within(socket.emitWithAck("message-with-ack", { three: [false] }, "two"));
  const [back] = await Promise.all([within(event(socket, "message-back")),
    socket.emit("message", new Uint8Array([1, 2, 3]), "é", "x".repeat(70_000))]);
  seen.back = [[...new Uint8Array(back[0])], back[1], back[2].length];
  seen.many = await within(Promise.all(Array.from({ length: 200 }, (_, i) => socket.emitWithAck("message-with-ack", i))));
  seen.many = seen.many.every((i, n) => i === n);
  const reason = event(socket, "disconnect");
  socket.emit("leave-me");
  seen.reason = (await within(reason))[0];
  return seen;
}, { hash, transports });

const want = (transport) => ({
  transport,
  ack: { three: [false] },
  back: [[1, 2, 3], "é", 70_000],
  many: true,
  reason: "io server disconnect",
});
check("a session from the start", await session(["webtransport"]), want("webtransport"));
check("an upgraded session", await session(["polling", "webtransport"]), want("webtransport"));

await browser.close();
done();

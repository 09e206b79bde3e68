// permessage-deflate: what goes over the wire is counted, at the client's socket.
import { check, done } from "./check.mjs";
import { ready, transport } from "./client.mjs";

const socket = await ready("/", { perMessageDeflate: { threshold: 1024 } });
const ws = socket.io.engine.transport.ws;
check("the transport", transport(socket), "websocket");
check("it is agreed on", ws.extensions, "permessage-deflate");

// counted resolves with the answer, and whether each way took less than a tenth.
async function counted(...args) {
  const { bytesRead, bytesWritten } = ws._socket;
  const answer = await socket.emitWithAck("same", ...args);
  const less = (n) => n < 20_000;
  return [answer, less(ws._socket.bytesWritten - bytesWritten), less(ws._socket.bytesRead - bytesRead)];
}

const text = "long and dull ".repeat(20_000);
check("a long text", await counted(text), [text, true, true]);
check("again, and longer", await counted(text + text), [text + text, true, true]);
const file = Buffer.alloc(200_000, "dull");
check("an attachment", await counted(file), [file, true, true]);
const noise = crypto.getRandomValues(new Uint8Array(60_000));
check("what gets no smaller", (await counted(noise))[0], noise);
check("a short text", await socket.emitWithAck("same", "short"), "short");
check("many at once", await Promise.all([...Array(50).keys()].map((n) => socket.emitWithAck("same", n + text.slice(0, 5000)))),
  [...Array(50).keys()].map((n) => n + text.slice(0, 5000)));
check("without compress", await socket.compress(false).emitWithAck("same", text), text);
done();

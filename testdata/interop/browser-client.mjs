// The client that the server serves, in a page, over a WebSocket that compresses:
// node browser-client.mjs URL OTHER, OTHER being the same server by another origin.
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, other] = process.argv.slice(2);
const browser = await launch();
const page = await browser.open(url);

const fetched = await page.evaluate(async () => {
  const get = async (path, init) => {
    const res = await fetch(path, init);
    return [res.status, res.headers.get("content-type"), (await res.text()).length > 1000];
  };
  return Promise.all(["socket.io.js", "socket.io.js.map", "socket.io.min.js", "socket.io.min.js.map", "socket.io.esm.min.js",
    "socket.io.esm.min.js.map", "socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map"].map((name) => get("/socket.io/" + name)));
});
const js = [200, "text/javascript; charset=utf-8", true], map = [200, "application/json", true];
check("all bundles are there", fetched, [js, map, js, map, js, map, js, map]);

// chat sends and gets back what is long and dull.
const chat = (page, from) => page.evaluate(async (from) => {
  const io = from ? (await import(from)).io : window.io;
  const socket = io({ transports: ["websocket"] });
  await new Promise((resolve, reject) => { socket.on("connect", resolve); socket.on("connect_error", reject); });
  const text = "long and dull ".repeat(20_000);
  const same = await socket.emitWithAck("same", text, new Uint8Array(200_000));
  const extensions = socket.io.engine.transport.ws.extensions;
  socket.disconnect();
  return [same === text, extensions.split(";")[0]];
}, from);
check("the script of the page", await chat(page), [true, "permessage-deflate"]);
check("a module of another origin", await chat(page, other + "/socket.io/socket.io.esm.min.js"), [true, "permessage-deflate"]);

const again = page.waitForResponse((res) => res.url().endsWith("/socket.io/socket.io.min.js"));
await page.reload();
check("it is asked about again", [200, 304].includes((await again).status()), true);
await browser.close();
done();

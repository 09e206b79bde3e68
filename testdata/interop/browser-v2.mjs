// Polling as only browsers do it, by clients of before: binary payloads, and JSONP.
// node browser-v2.mjs URL OPEN, where OPEN lets pages of URL's port on localhost
// connect, and URL does not.
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, open] = process.argv.slice(2);
const browser = await launch();

// load opens a page with a client, and notes what it polls with.
async function load(address, client) {
  const page = await browser.open(address);
  await page.addScriptTag({ path: `node_modules/${client}/dist/socket.io.js` });
  const answers = new Set();
  page.on("response", (answer) => answers.add(kind(answer)));
  page.seen = () => [...answers].sort();
  return page;
}

// kind says what was asked for, how that went, and the type of what was sent.
function kind(answer) {
  const request = answer.request(), method = request.method();
  const headers = (method === "POST" ? request : answer).headers();
  return [method, answer.status(), headers["content-type"]].join(" ");
}

// talk sends each of a list to the server by the event "same", and says how the
// answers look.
const talk = (page, address, options) => page.evaluate(async ([address, options]) => {
  const socket = io(address, { transports: ["polling"], reconnection: false, forceNew: true, ...options });
  const connected = await new Promise((resolve) => {
    for (const event of ["connect", "connect_error"]) socket.once(event, () => resolve(event));
  });
  if (connected !== "connect") return connected;
  const same = (...args) => new Promise((resolve) => socket.emit("same", ...args, (...back) => resolve(back)));
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const texts = ["", "a\nb\r\n\\n\\\n\\\\n", "</script><!-- \u2028\u2029", "Grüße 世界 👩‍👩‍👧 \u0000", "ü👩".repeat(5_000)];
  const answers = {};
  answers.texts = JSON.stringify(await same(...texts)) === JSON.stringify(texts);
  const [text, deep] = await same("beside 👩", { list: [bytes.buffer] });
  answers.binary = text === "beside 👩" && String(new Uint8Array(deep.list[0])) === String(bytes);
  const burst = [];
  socket.on("burst", (n) => burst.push(n));
  socket.emit("burst", 100);
  while (burst.length < 100) await new Promise((resolve) => setTimeout(resolve, 10));
  answers.burst = burst.every((n, i) => n === i);
  socket.close();
  return answers;
}, [address, options]);

const fine = { texts: true, binary: true, burst: true };
const text = "text/plain; charset=UTF-8", script = "text/javascript; charset=UTF-8";
const form = "application/x-www-form-urlencoded";

const forms = ["GET 200 " + script, "POST 200 " + form];

const binary = await load(url, "socket.io-client-2");
check("2.5, binary payloads", await talk(binary, url), fine);
const payload = "200 application/octet-stream";
check("they were", binary.seen().filter((kind) => kind.endsWith(payload)), ["GET " + payload, "POST " + payload]);

const base64 = await load(url, "socket.io-client-2");
check("2.5, base64", await talk(base64, url, { forceBase64: true }), fine);
check("that was text", base64.seen(), ["GET 200 " + text, "POST 200 text/plain;charset=UTF-8"]);

for (const client of ["socket.io-client-2", "socket.io-client-4.0"]) {
  const jsonp = await load(url, client);
  check(client + ", JSONP", await talk(jsonp, url, { forceJSONP: true }), fine);
  check("that was scripts and forms", jsonp.seen(), forms);
}

const foreign = await load(url.replace("127.0.0.1", "localhost"), "socket.io-client-2");
check("JSONP for a page of another site", await talk(foreign, url, { forceJSONP: true }), "connect_error");
check("JSONP where its origin is named", await talk(foreign, open, { forceJSONP: true }), fine);
check("binary payloads there", await talk(foreign, open), fine);

await browser.close();
done();

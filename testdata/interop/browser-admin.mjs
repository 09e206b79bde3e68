// The official Admin UI on examples/admin:
// node browser-admin.mjs URL READONLY-URL PRODUCTION-URL [DIR for screenshots]
import { io } from "socket.io-client";
import { launch } from "./browser.mjs";
import { check, done } from "./check.mjs";

const [url, readonly, production, shots] = process.argv.slice(2);
const browser = await launch();
const shoot = (page, name) => shots && page.screenshot({ path: `${shots}/${name}.png` });
const state = (page, read) => page.evaluate((text) => new Function("state", `return ${text}`)(document.querySelector("#app").__vue__.$store.state), read);
// until waits until what is read of the UI's state is so.
const until = (page, read) => page.waitForFunction(
  (text) => new Function("state", `return ${text}`)(document.querySelector("#app").__vue__.$store.state), read);
const shown = (page, text) => page.getByText(text, { exact: true }).first().waitFor();
// turned waits until the page before has gone: pages slide.
const turned = (page, title) => page.waitForFunction((want) => {
  const all = document.querySelectorAll(".v-breadcrumbs");
  return all.length === 1 && all[0].textContent.includes(want);
}, title);
const visit = async (page, title) => {
  await page.getByRole("link", { name: title }).click();
  await turned(page, title);
};
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

// open loads the UI, without the fonts that it has from elsewhere.
async function open(base) {
  const page = await browser.open("about:blank");
  await page.route((to) => to.origin !== new URL(base).origin, (request) => request.abort());
  await page.goto(`${base}/admin/`);
  return page;
}

async function login(page, base, password) {
  await page.getByLabel("Server URL").fill(base);
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Connect" }).click();
}

async function guest(base, options) {
  const socket = io(base, { forceNew: true, reconnection: false, ...options });
  await once(socket, "connect");
  return socket;
}

const ann = await guest(url, { transports: ["websocket"] });
const bob = await guest(url, { transports: ["polling"] });
const page = await open(url);

// Who may.
await login(page, url, "guess");
await shown(page, "Invalid credentials");
check("a wrong password is refused", await state(page, "state.connection.connected"), false);
await shoot(page, "admin-refused");
await login(page, url, "changeit");
await page.getByText("Invalid credentials").waitFor({ state: "hidden" });
await until(page, "state.servers.servers.length && state.main.clients.length === 3");
check("the form hands over a session", await state(page, "state.connection.sessionId.length > 20"), true);
await page.reload();
await until(page, "state.servers.servers.length && state.main.clients.length === 3");
check("which lets in without a password", await page.getByLabel("Password").isVisible(), false);

// Dashboard.
await until(page, "state.servers.servers[0].clientsCount === 3 && state.servers.servers[0].pollingClientsCount === 1");
check("namespaces are counted", await state(page, "state.servers.servers[0].namespaces"),
  [{ name: "/", socketsCount: 2 }, { name: "/admin", socketsCount: 1 }]);
await until(page, "state.main.aggregatedEvents.some((e) => e.type === 'bytesOut' && e.count > 0)");
await shoot(page, "admin-dashboard");

// Sockets.
await visit(page, "Sockets");
const row = (text) => page.locator(".v-data-table tbody tr", { hasText: text });
await row(ann.id).waitFor();
check("both sockets are listed", await page.locator("tbody tr").count(), 2);
check("with their transports", [
  await row(ann.id).getByText("WebSocket").count(), await row(bob.id).getByText("HTTP long-polling").count()], [1, 1]);
await shoot(page, "admin-sockets");

// One socket: what it is in, and what it says of itself.
await row(ann.id).locator("td").first().click();
await turned(page, "Socket details");
await page.locator("td", { hasText: /^lobby$/ }).waitFor();
check("the handshake is shown", await page.locator("td", { hasText: /^\s*host\s*$/ }).count(), 1);
check("data is shown", await page.locator("pre").textContent(), JSON.stringify({ name: `guest ${ann.id.slice(0, 4)}` }, null, 2));
await page.getByLabel("Join a room").fill("den");
await page.getByLabel("Join a room").press("Enter");
await page.locator("form button[type=submit]:visible").click();
await page.locator("td", { hasText: /^den$/ }).waitFor();
await shoot(page, "admin-socket");

// Rooms, and their clearing.
await visit(page, "Rooms");
await row("lobby").waitFor();
check("rooms are counted", [await row("lobby").locator("td").nth(2).textContent(), await row("den").locator("td").nth(2).textContent()]
  .map((text) => text.trim()), ["2", "1"]);
await shoot(page, "admin-rooms");
await row("den").locator("button").first().click();
await until(page, `!state.main.namespaces.find((n) => n.name === "/").rooms.some((r) => r.name === "den")`);

// Events, as they happen.
const heard = once(bob, "hello");
ann.emit("hello", { text: "hi" }, new Uint8Array(3));
check("the guests hear each other", await heard, [`guest ${ann.id.slice(0, 4)}`]);
await visit(page, "Events");
await page.locator("code", { hasText: /^hello$/ }).nth(2).waitFor(); // received from one, sent to two
await row("hello").last().locator("button").click();
check("arguments are shown", (await page.locator("pre code").textContent()).includes("(3 bytes)"), true);
await shoot(page, "admin-events");

// What its protocol offers beyond the UI: emit.
const tool = await guest(`${url}/admin`, { auth: { username: "admin", password: "changeit" } });
const said = once(bob, "said");
tool.emit("emit", "/", bob.id, "said", "by an admin", new Uint8Array([1, 2]));
check("an emit arrives", await said.then(([text, bytes]) => [text, [...bytes]]), ["by an admin", [1, 2]]);
tool.disconnect();

// An upgrade shows.
const eve = await guest(url, { transports: ["polling", "websocket"] });
await until(page, `state.main.namespaces.find((n) => n.name === "/").sockets.some((s) => s.id === "${eve.id}" && s.transport === "websocket")`);
eve.disconnect();

// Disconnecting a socket, and a client.
await visit(page, "Sockets");
const gone = once(ann, "disconnect");
await row(ann.id).locator("button").click();
check("a socket is disconnected", await gone.then(([reason]) => reason), "io server disconnect");
await until(page, `!state.main.namespaces.find((n) => n.name === "/").sockets.some((s) => s.id === "${ann.id}")`);
await visit(page, "Clients");
await shoot(page, "admin-clients");
const bobs = once(bob, "disconnect");
await row("HTTP long-polling").or(row(await state(page, `state.main.clients.find((c) => c.sockets.some((s) => s.id === "${bob.id}")).id`)))
  .first().locator("button").click();
check("a client is disconnected", await bobs.then(([reason]) => reason), "io server disconnect");
await until(page, "state.servers.servers[0].clientsCount === 1 || state.servers.servers[0].clientsCount === 2");
await page.context().close();

// Read-only.
const cat = await guest(readonly);
const reader = await open(readonly);
await login(reader, readonly, "changeit");
await visit(reader, "Sockets");
await reader.locator("tbody tr", { hasText: cat.id }).waitFor();
check("read-only has no button", await reader.locator("tbody tr button").count(), 0);
await reader.locator("tbody tr", { hasText: cat.id }).locator("td").first().click();
await turned(reader, "Socket details");
check("nor on the socket", await reader.locator("tbody button").count(), 0);
await shoot(reader, "admin-readonly");
const visitor = await guest(`${readonly}/admin`, { auth: { username: "admin", password: "changeit" } });
visitor.emit("_disconnect", "/", false, cat.id);
visitor.emit("join", "/", "den", cat.id);
await once(visitor, "server_stats");
await once(visitor, "server_stats");
check("commands are not obeyed", cat.connected, true);
check("nor joins", await state(reader, `state.main.namespaces.find((n) => n.name === "/").rooms.map((r) => r.name).includes("den")`), false);
await reader.context().close();

// Production.
const dan = await guest(production);
const boss = await open(production);
await login(boss, production, "changeit");
await until(boss, "state.servers.servers.length && state.servers.servers[0].clientsCount === 2");
dan.emit("hello");
await until(boss, "state.main.aggregatedEvents.some((e) => e.type === 'packetsIn')");
check("production tells no sockets", await state(boss, "state.main.clients.length + state.main.namespaces.length"), 0);
check("and has no pages for them", await boss.locator(".v-navigation-drawer .v-list-item").allTextContents().then((all) => all.map((t) => t.trim().split(" ").pop())), ["Dashboard", "Servers"]);
await shoot(boss, "admin-production");
dan.disconnect();

await browser.close();
done();

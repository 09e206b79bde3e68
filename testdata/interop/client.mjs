// What the scripts share that run the JavaScript client: node NAME.mjs URL MODE
// [PARSER [CLIENT]], where MODE is "websocket", "polling" or "upgrade", PARSER a
// package, or "" for none, and CLIENT another release than the newest.
import { check } from "./check.mjs";

const newest = "socket.io-client";
const [url, mode, parserName, client = newest] = process.argv.slice(2);
const parser = parserName ? (await import(parserName)).default : undefined;
const library = await import(client);
const io = library.io ?? library.default;
const transports = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] }[mode];

export const isNewest = client === newest;
export { client };

// connect makes a connection of its own, unless options say otherwise.
export function connect(path = "/", options = {}) {
  if (client === "socket.io-client-2") options = { ...options, query: { ...options.query, ...options.auth } };
  const socket = io(url + path, { transports, parser, forceNew: true, reconnection: false, timeout: 30_000, ...options });
  modernize(Object.getPrototypeOf(socket));
  return socket;
}

// modernize adds what the scripts use and older releases do not have.
function modernize(prototype) {
  prototype.emitWithAck ??= function (event, ...args) {
    return new Promise((resolve) => this.emit(event, ...args, resolve));
  };
  if (!("active" in prototype)) Object.defineProperty(prototype, "active", { get() { return !!this.subs; } });
}

// once resolves with the arguments of the next event.
export const once = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

// take resolves with the arguments of the next n events.
export function take(emitter, event, n) {
  const all = [];
  return new Promise((resolve) => {
    emitter.on(event, function listener(...args) {
      all.push(args);
      if (all.length < n) return;
      emitter.off(event, listener);
      resolve(all);
    });
  });
}

export const transport = (socket) => socket.io.engine.transport.name;

// ready connects and, where that is the mode, waits for the upgrade.
export async function ready(path, options) {
  const socket = connect(path, options);
  const upgraded = mode === "upgrade" && new Promise((resolve) => {
    socket.io.once("open", () => socket.io.engine.once("upgrade", resolve));
  });
  const refused = once(socket, "connect_error");
  await Promise.race([once(socket, "connect"), refused.then(([error]) => { throw error; })]);
  await upgraded;
  return socket;
}

// checkTransport holds the connection against the mode.
export function checkTransport(socket) {
  check("the transport", transport(socket), mode === "polling" ? "polling" : "websocket");
}

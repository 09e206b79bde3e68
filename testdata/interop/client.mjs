// What the scripts share that run the JavaScript client: node NAME.mjs URL MODE [PARSER],
// where MODE is "websocket", "polling" or "upgrade", and PARSER a package.
import { io } from "socket.io-client";
import { check } from "./check.mjs";

const [url, mode, parserName] = process.argv.slice(2);
const parser = parserName && (await import(parserName)).default;
const transports = { websocket: ["websocket"], polling: ["polling"], upgrade: ["polling", "websocket"] }[mode];

// connect makes a connection of its own, unless options say otherwise.
export function connect(path = "/", options = {}) {
  return io(url + path, { transports, parser, forceNew: true, reconnection: false, timeout: 30_000, ...options });
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

"use strict";

const $ = (id) => document.getElementById(id);
let socket;

function log(what, value) {
  const row = document.createElement("li");
  row.textContent = value === undefined ? what : `${what} ${JSON.stringify(value)}`;
  $("log").prepend(row);
}

function connect() {
  const { path, query } = $("connect");
  socket?.disconnect();
  socket = io(path.value, { forceNew: true, query: Object.fromEntries(new URLSearchParams(query.value)) });
  socket.on("connect", () => log(`connected to ${path.value} as ${socket.id}`));
  socket.on("connect_error", (error) => log(`refused: ${error.message}`, error.data));
  socket.on("disconnect", (reason) => log(`disconnected: ${reason}`));
  socket.onAny((event, ...args) => {
    const answer = typeof args.at(-1) === "function" ? args.pop() : null;
    log(`← ${event}`, args);
    answer?.("the page");
  });
}

$("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});

$("emit").addEventListener("submit", (event) => {
  event.preventDefault();
  const { event: name, args } = $("emit");
  let list;
  try {
    list = JSON.parse(args.value || "[]");
    if (!Array.isArray(list)) throw new Error("it is none");
  } catch (error) {
    return log(`the arguments are no JSON list: ${error.message}`);
  }
  socket.emit(name.value, ...list, (...answer) => log(`ack of ${name.value}`, answer));
  log(`→ ${name.value}`, list);
});

connect();

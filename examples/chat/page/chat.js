"use strict";
// Whatever people wrote goes into the page by textContent, never as HTML.

const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

let socket;         // from the moment somebody comes in
let room = "";      // where the server says we are
let wanted = "";    // where we asked to be
let rooms = [];
const people = new Map(); // id to person, of this room
const typists = new Map(); // id to the timer that forgets them

// ---- coming in ----

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  wanted = $("room").value;
  refuse("");
  socket?.disconnect();
  socket = io("/chat", { auth: { name: $("name").value }, forceNew: true });
  listen(socket);
});

if (typeof io === "undefined") {
  refuse("The Socket.IO client could not be loaded: run npm ci in testdata/interop, then start again.");
  $("enter").querySelector("button").disabled = true;
}

// refuse says what is wrong: below the field concerned, or below them all.
function refuse(message, field) {
  $("refusal").textContent = message;
  for (const name of ["name", "room"]) {
    const wrong = field === name;
    $(name).setAttribute("aria-invalid", wrong);
    $(`${name}-problem`).textContent = wrong ? message : "";
    if (!wrong) continue;
    $("refusal").textContent = "";
    $(name).focus();
  }
}

function listen(socket) {
  socket.on("connect", () => {
    setState(true);
    join(wanted);
  });
  socket.on("connect_error", (error) => {
    setState(false);
    if (socket.active) { // it tries again by itself
      if (!room) refuse("The server cannot be reached. Trying again.");
      return;
    }
    leaveApp();
    refuse(sentence(error.message), error.data?.field);
  });
  socket.on("disconnect", (reason) => {
    setState(false);
    if (!socket.active && reason !== "io client disconnect") note("The server has ended the connection.");
  });
  socket.on("rooms", (list) => { rooms = list; drawRooms(); });
  socket.on("people", (name, list) => arrive(name, list));
  socket.on("joined", (person) => {
    people.set(person.id, person);
    note(`${person.name} has come in`);
    drawPeople();
  });
  socket.on("left", (person) => {
    people.delete(person.id);
    stopTyping(person.id);
    note(`${person.name} has left`);
    drawPeople();
  });
  socket.on("typing", (person, is) => {
    stopTyping(person.id);
    if (is) typists.set(person.id, { person, timer: setTimeout(() => stopTyping(person.id), 6000) });
    drawTyping();
  });
  socket.on("said", (message) => {
    stopTyping(message.from.id);
    say(message);
  });
}

async function join(name) {
  const answer = await ask("join", name);
  if (!answer?.error) return;
  if (room) return problem(answer.error.message);
  socket.disconnect();
  refuse(sentence(answer.error.message), answer.error.data?.field);
}

// arrive runs when the server has put us into a room.
function arrive(name, list) {
  if (name !== room) $("log").replaceChildren();
  people.clear();
  for (const person of list) people.set(person.id, person);
  for (const id of [...typists.keys()]) stopTyping(id);
  room = wanted = name;
  problem("");
  $("title").firstElementChild.textContent = room;
  document.title = `${room} · parlor`;
  $("door").hidden = true;
  $("app").hidden = false;
  const others = list.length - 1;
  note(others ? `You have come in. ${others} ${others === 1 ? "other is" : "others are"} here.` : "You have come in. Nobody else is here yet.");
  drawRooms();
  drawPeople();
  openSide(false);
  if (matchMedia("(hover: hover)").matches) $("say").text.focus(); // on a phone it would open the keyboard
}

function leaveApp() {
  room = "";
  $("app").hidden = true;
  $("door").hidden = false;
}

function setState(on) {
  $("state").classList.toggle("on", on);
  $("state").textContent = on ? "connected" : "reconnecting";
  $("say").querySelector("button").disabled = !on;
}

// ask emits and waits for the answer, but not for ever.
async function ask(event, ...args) {
  try {
    return await socket.timeout(10000).emitWithAck(event, ...args);
  } catch {
    return { error: { message: "the server did not answer" } };
  }
}

// ---- rooms and people ----

$("move").addEventListener("submit", (event) => {
  event.preventDefault();
  join($("move").room.value);
  $("move").reset();
});

function drawRooms() {
  $("rooms").replaceChildren(...rooms.map(({ name, people }) => {
    const button = make("button");
    button.append(make("bdi", "name", name), make("span", "badge", people));
    button.title = name;
    if (name === room) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => (name === room ? openSide(false) : join(name)));
    const row = make("li");
    row.append(button);
    return row;
  }));
}

function drawPeople() {
  $("count").textContent = people.size || "";
  $("people").replaceChildren(...[...people.values()].map((person) => {
    const row = make("li");
    row.append(face(person, "small"), make("bdi", "name", person.name));
    row.title = person.name;
    if (person.id === socket.id) row.append(make("span", "me", "you"));
    return row;
  }));
}

$("menu").addEventListener("click", () => openSide(true));
$("shade").addEventListener("click", () => openSide(false));
addEventListener("keydown", (event) => event.key === "Escape" && openSide(false));

function openSide(open) {
  $("app").classList.toggle("open", open);
  $("shade").hidden = !open;
  $("menu").setAttribute("aria-expanded", open);
}

// face is a disc with the person's first character, of a colour that is the
// same for a name everywhere.
function face(person, size = "") {
  let hue = 0;
  for (const c of person.name) hue = (hue * 37 + c.codePointAt(0) * 137) % 360;
  const disc = make("span", `face ${size}`, [...person.name][0].toUpperCase());
  disc.style.setProperty("--hue", hue);
  disc.setAttribute("aria-hidden", "true");
  return disc;
}

// ---- talking ----

$("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("say").text.value;
  const answer = await ask("say", text);
  setTyping(false);
  if (answer?.error) return problem(answer.error.message);
  problem("");
  if ($("say").text.value === text) $("say").reset();
});

$("say").text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
});

let typing = false, quiet;
$("say").text.addEventListener("input", () => {
  setTyping($("say").text.value !== "");
  clearTimeout(quiet);
  quiet = setTimeout(() => setTyping(false), 4000);
});

function setTyping(now) {
  if (typing === now) return;
  typing = now;
  socket.volatile.emit("typing", now);
}

function stopTyping(id) {
  clearTimeout(typists.get(id)?.timer);
  if (typists.delete(id)) drawTyping();
}

function drawTyping() {
  const names = [...typists.values()].map(({ person }) => person.name);
  $("typing").textContent =
    names.length === 0 ? "" :
    names.length === 1 ? `${names[0]} is typing…` :
    names.length <= 3 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are typing…` :
    "Several people are typing…";
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function say({ from, text, time }) {
  const row = make("li");
  const last = $("log").lastElementChild;
  row.dataset.from = from.id;
  if (last?.dataset.from === from.id) row.className = "more";
  const who = make("p", "who");
  const when = make("time", "", clock.format(new Date(time)));
  when.dateTime = time;
  who.append(make("bdi", "", from.name), when);
  const words = make("p", "text", text);
  words.dir = "auto";
  row.append(face(from), who, words);
  add(row);
}

function note(text) { add(make("li", "note", text)); }

// add appends to the log, and follows it unless somebody reads further up.
function add(row) {
  const log = $("log");
  const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  log.append(row);
  while (log.childElementCount > 500) log.firstElementChild.remove();
  if (follow) log.scrollTop = log.scrollHeight;
}

function problem(message) { $("problem").textContent = sentence(message); }

function sentence(text) { return text && text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."); }

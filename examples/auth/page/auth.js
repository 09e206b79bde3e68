"use strict";

const $ = (id) => document.getElementById(id);
let socket;

// ---- the session, by plain HTTP ----

const wrong = new URLSearchParams(location.search).has("wrong");
$("wrong").hidden = !wrong;
if (wrong) history.replaceState(null, "", "/");

async function whoami() {
  const { name } = await (await fetch("/me")).json();
  $("login").hidden = Boolean(name);
  $("logout").hidden = !name;
  $("user").textContent = name;
}
whoami();

// The page stays, to show what becomes of its socket.
$("logout").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await fetch("/logout", { method: "POST" });
    await whoami();
  } catch {
    note("The server cannot be reached.");
  }
});

// ---- the connection ----

if (typeof io === "undefined") {
  refuse({ message: "The Socket.IO client could not be loaded: run npm ci in testdata/interop, then start again." });
  $("connect").disabled = true;
}

$("connect").addEventListener("click", () => {
  if (socket?.active) return socket.disconnect();
  const token = $("token").value.trim();
  refuse(null);
  socket?.disconnect();
  socket = io({ forceNew: true, auth: token ? { token } : {} });
  listen(socket);
});

function listen(socket) {
  socket.on("connect", async () => {
    state("asking who we are", true);
    const { name } = await socket.emitWithAck("whoami");
    state(`connected as ${name}`, true);
  });
  // A refusal has the message and the data that the server gave it.
  socket.on("connect_error", (error) => {
    if (socket.active) return state("the server cannot be reached, trying again", false);
    state("refused", false);
    refuse(error);
  });
  socket.on("disconnect", (reason) => {
    state("not connected", false);
    note(reason === "io server disconnect" ? "The server has ended the connection." : `Disconnected: ${reason}.`);
  });
  socket.on("joined", ({ name }) => note(`${name} has connected`));
  socket.on("said", ({ name }, text) => add("", `${name}: ${text}`));
  socket.on("announced", ({ name }, text) => add("loud", `${name}: ${text}`));
}

function state(text, on) {
  $("state").textContent = text;
  $("state").classList.toggle("on", on);
  $("connect").textContent = socket.active ? "Disconnect" : "Connect";
  $("connect").classList.toggle("quiet", socket.active);
  for (const control of $("say").elements) control.disabled = !on;
}

function refuse(error) {
  $("refusal").hidden = !error;
  $("message").textContent = sentence(error?.message);
  $("hint").textContent = sentence(error?.data?.hint);
}

// ---- talking ----

async function send(event) {
  const field = $("say").text;
  const answer = await socket.timeout(10000).emitWithAck(event, field.value)
    .catch(() => ({ error: { message: "the server did not answer" } }));
  $("problem").textContent = sentence(answer?.error?.message);
  if (!answer?.error) field.value = "";
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  send("say");
});
$("announce").addEventListener("click", () => send("announce"));

function add(className, text) {
  const row = document.createElement("li");
  row.className = className;
  row.textContent = text;
  $("log").append(row);
  while ($("log").childElementCount > 200) $("log").firstElementChild.remove();
  $("log").scrollTop = $("log").scrollHeight;
}

function note(text) { add("note", text); }

function sentence(text) { return text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : ""; }

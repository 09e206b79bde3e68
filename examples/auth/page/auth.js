"use strict";

const $ = (id) => document.getElementById(id);
let socket;

// ---- the session, by plain HTTP ----

const wrong = new URLSearchParams(location.search).has("wrong");
$("wrong").hidden = !wrong;
if (wrong) history.replaceState(null, "", "/");

fetch("/me").then((answer) => answer.json()).then(({ name }) => {
  $("login").hidden = Boolean(name);
  $("logout").hidden = !name;
  $("user").textContent = name;
});

// ---- the connection ----

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
    note(reason === "io server disconnect" ? "the server has ended the connection" : `disconnected: ${reason}`);
  });
  socket.on("joined", ({ name }) => note(`${name} has connected`));
  socket.on("said", ({ name }, text) => add("", `${name}: ${text}`));
  socket.on("announced", (text) => add("loud", text));
}

function state(text, on) {
  $("state").textContent = text;
  $("state").classList.toggle("on", on);
  $("connect").textContent = socket.active ? "Disconnect" : "Connect";
  for (const control of $("say").elements) control.disabled = !on;
}

function refuse(error) {
  $("refusal").hidden = !error;
  $("message").textContent = error ? error.message : "";
  $("hint").textContent = error?.data?.hint ?? "";
}

// ---- talking ----

async function send(event) {
  const field = $("say").text;
  const answer = await socket.timeout(10000).emitWithAck(event, field.value)
    .catch(() => ({ error: { message: "the server did not answer" } }));
  $("problem").textContent = answer?.error ? answer.error.message : "";
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

"use strict";
// A minimal client: it keeps its identity in this browser, shows what comes, and acknowledges it.
const $ = (id) => document.getElementById(id);
const show = (text) => {
  const item = document.createElement("li");
  item.textContent = text;
  $("log").prepend(item);
};
const say = (frame) => socket.send(JSON.stringify(frame));
let socket, longest = 500;

function connect() {
  const known = JSON.parse(localStorage.getItem("ackd") || "null");
  socket = new WebSocket(location.href.replace(/^http/, "ws").replace(/[^/]*$/, "v1/ws"), "ackd.v1.json");
  socket.onopen = () => say({ op: "connect", ...known });
  socket.onmessage = (event) => [].concat(JSON.parse(event.data)).forEach(receive);
  socket.onclose = (event) => {
    $("state").textContent = `offline (${event.code} ${event.reason})`;
    if (event.code === 4401) localStorage.removeItem("ackd"); // it has ended: a new one
    else if (event.code >= 4400 && event.code < 4500) return; // no use in coming back unchanged
    longest = Math.min(longest * 2, 30000);
    setTimeout(connect, Math.random() * longest);
  };
}

function receive(frame) {
  if (frame.op === "connected") {
    longest = 500;
    if (frame.token) localStorage.setItem("ackd", JSON.stringify({ id: frame.id, token: frame.token }));
    $("me").textContent = frame.id;
    $("state").textContent = `online, ${frame.pending} waiting`;
  } else if (frame.op === "message") {
    show(`${frame.from}: ${typeof frame.body === "string" ? frame.body : JSON.stringify(frame.body)}`);
    if (frame.ack !== false) say({ op: "ack", ids: [frame.id] });
  } else if (frame.op === "accepted") {
    show(`${frame.ref}: accepted`);
  } else if (frame.op === "error") {
    show(`${frame.ref || "error"}: ${frame.code}: ${frame.message}`);
  }
}

let sent = 0;
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return show("offline: not sent");
  const body = $("text").value;
  say({ op: "send", ref: `message ${++sent}`, to: $("to").value.trim(), body });
  show(`me (message ${sent}): ${body}`);
  $("text").value = "";
});
connect();

// A client of ackd that loses nothing, written from docs/guides/write-a-client.md. Needs Node.js 22 or newer.
// node client.mjs ws://HOST:PORT/v1/ws STATE.json    sends each line "ID TEXT" of its input, prints what comes
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const [url, file] = process.argv.slice(2);
const NOT_DECIDED = ["store_unavailable", "internal", "rate_limited", "gap"];
const MOST = 1000; // sends that wait for their answer
const state = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : { outbox: randomUUID(), next: 1, unanswered: [], processed: [] };
let socket = null; // while we are in
let attempt, pause, repeating;

function save() {
  const fd = openSync(`${file}.new`, "w");
  writeSync(fd, JSON.stringify(state));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.new`, file);
}

const say = (frame) => socket?.send(JSON.stringify(frame));

function repeat() {
  repeating = null;
  for (const send of state.unanswered.slice(0, MOST)) say(send);
}

function hear(link, frame) {
  const { op, n, code } = frame;
  if (op === "connected") {
    [socket, attempt, state.id, state.token] = [link, 0, frame.id, frame.token ?? state.token];
    save();
    console.log("I am", frame.id);
    repeat();
  } else if (n && NOT_DECIDED.includes(code)) {
    repeating ??= setTimeout(repeat, frame.retry_after_ms ?? 1000);
  } else if (n && code !== "outbox_taken") { // accepted, or refused for good
    state.unanswered = state.unanswered.filter((send) => send.n !== n);
    save();
    console.log(op, n, code ?? frame.id);
    if (state.unanswered.length >= MOST) say(state.unanswered[MOST - 1]); // one more may be said now
  } else if (code === "unknown_identity") { // we have ended: somebody new has the same to send
    state.unanswered.forEach((send, index) => (send.n = index + 1));
    Object.assign(state, { outbox: randomUUID(), next: state.unanswered.length + 1, id: null });
    save();
  } else if (op === "message") {
    if (!state.processed.includes(frame.id)) {
      console.log(`${frame.from}:`, frame.body); // this is the processing
      state.processed = [...state.processed.slice(-999), frame.id];
      save();
    }
    if (frame.ack !== false) say({ op: "ack", ids: [frame.id] });
  } else if (op === "lost" || op === "receipt") {
    console.log(JSON.stringify(frame));
    say({ op: "ack", seq: op === "lost" ? frame.to : frame.seq });
  } else if (op === "goaway") {
    pause = frame.reconnect_after_ms;
  }
}

function connection() {
  const link = new WebSocket(url, "ackd.v1.json");
  const identity = state.id ? { id: state.id, token: state.token } : {};
  link.onopen = () => link.send(JSON.stringify({ op: "connect", outbox: state.outbox, ...identity }));
  link.onmessage = ({ data }) => [JSON.parse(data)].flat().forEach((frame) => hear(link, frame));
  return new Promise((ended) => {
    link.onclose = ({ code }) => ended(code);
    link.onerror = () => ended(1006); // Node.js 20 tells no close of a connection that never was
  });
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [, to, body] = line.match(/^(\S+) (.*)$/);
  state.unanswered.push({ op: "send", n: state.next++, to, body });
  save();
  if (state.unanswered.length <= MOST) say(state.unanswered.at(-1));
});

for (attempt = 0; ; attempt++) {
  pause = null;
  const code = await connection();
  socket = null;
  if ([1000, 1002, 1003, 1007, 1009].includes(code) || (code >= 4400 && code < 4500 && state.id)) {
    console.error(`closed with ${code}`);
    process.exit(1);
  }
  await sleep(pause ?? Math.random() * Math.min(30_000, 500 * 2 ** attempt));
}

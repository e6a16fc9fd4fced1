// The state of the page: signals that views read, and the verbs that change them.
import { batch, computed, signal } from "@preact/signals";
import { connect, type Ackd, type Message, type Room } from "ackd";
import { isName, NAME_MAX, read, write } from "./body";
import { History, type Row, type State, type Talk } from "./history";
import { person, storage } from "./place";
import { Window } from "./window";

type Connection = Ackd["state"];

export interface Notice {
  kind: "ended" | "stopped" | "lost" | "failed";
  text: string;
}

export const loading = signal(true);
export const me = signal<string | undefined>(undefined);
export const myName = signal(localStorage.getItem(`${storage}:name`) ?? "");
export const connection = signal<Connection>("connecting");
export const talks = signal<ReadonlyMap<string, Talk>>(new Map());
export const opened = signal<string | null>(null);
export const online = signal<ReadonlySet<string>>(new Set());
export const members = signal<ReadonlyMap<string, ReadonlySet<string>>>(new Map());
export const queued = signal(0);
/** Whether this tab has the connection, for all tabs of this person. */
export const leads = signal(false);
export const notices = signal<readonly Notice[]>([]);
export const talk = computed(() => (opened.value === null ? undefined : talks.value.get(opened.value)));
export const sorted = computed(() => [...talks.value.values()].sort((a, b) => b.at - a.at));

export let rows: Window;
let history: History;
let ackd: Ackd;
let watch: { close(): void } | undefined;
const rooms = new Map<string, Room>();
const tabs = new BroadcastChannel(storage);

export async function start(): Promise<void> {
  history = await History.open(storage);
  rows = new Window(history);
  talks.value = new Map((await history.talks()).map((talk) => [talk.key, talk]));
  queued.value = await history.count("queued");
  tabs.onmessage = (event) => refresh(event.data as string);
  ackd = connect(location.href.replace(/[?#].*$/, "").replace(/\/$/, "/v1/ws"), { name: storage });
  batch(() => {
    me.value = ackd.id;
    connection.value = ackd.state;
    leads.value = ackd.leads;
    loading.value = false;
  });
  listen();
  for (const known of talks.value.values()) enter(known);
  watchPeople();
}

function listen(): void {
  ackd.on("state", (state) => (connection.value = state));
  ackd.on("leads", (does) => (leads.value = does));
  ackd.on("message", receive);
  ackd.on("sent", ({ ref, state, error }) => void mark(ref, state, error?.message));
  ackd.on("identity", ({ id, reason }) => {
    me.value = id;
    if (reason === "unknown_identity") notify("ended", "Your old ID has ended, and what waited for it with it. You have a new one.");
  });
  ackd.on("lost", ({ count, reason }) => notify("lost", `${count === 1 ? "A message" : `${count} messages`} ended before you were back (${reason}).`));
  ackd.on("stopped", (error) => notify("stopped", `The server does not let this page in: ${error.message}`));
}

export function notify(kind: Notice["kind"], text: string): void {
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { kind, text }].slice(-3);
}

export function dismiss(notice: Notice): void {
  notices.value = notices.value.filter((other) => other !== notice);
}

/** Stored here before it is acknowledged there. */
async function receive(message: Message): Promise<void> {
  const said = read(message.body, message.bytes);
  const id = message.room ?? message.from;
  const key = `${message.room ? "r" : "p"}:${id}`;
  const row: Row = { key: message.id, talk: key, mine: false, from: message.from, at: message.at, ...said };
  const isRead = opened.value === key && !document.hidden;
  const stored = await history.add(row, (known) => {
    const talk: Talk = known ?? { key, id, kind: message.room ? "room" : "person", unread: 0, last: "", at: 0 };
    const name = message.room ? undefined : said.name;
    return { ...talk, ...(name ? { name } : {}), last: said.text, at: row.at, unread: isRead ? 0 : talk.unread + 1 };
  });
  if (!stored) return;
  show(stored.talk);
  rows.append(stored.row);
  tabs.postMessage(key);
}

async function mark(ref: string, state: State, why?: string): Promise<void> {
  const row = await history.mark(ref, state, why);
  if (row) rows.replace(row);
  queued.value = await history.count("queued");
}

/** Another tab has changed this conversation: looked at soon, once for all that comes until then. */
const changed = new Set<string>();

function refresh(key: string): void {
  if (changed.size === 0) setTimeout(() => void catchUp(), 50);
  changed.add(key);
}

async function catchUp(): Promise<void> {
  const keys = new Set(changed);
  changed.clear();
  for (const known of await history.talks()) if (keys.has(known.key)) show(known);
  if (opened.value !== null && keys.has(opened.value)) await rows.catchUp();
  await markRead();
}

function show(talk: Talk): void {
  const isNew = !talks.value.has(talk.key);
  talks.value = new Map(talks.value).set(talk.key, talk);
  if (isNew) {
    enter(talk);
    watchPeople();
  }
}

/** Joins the room of a conversation. Messages of rooms come to everybody who listens for messages. */
function enter(talk: Talk): void {
  if (talk.kind !== "room" || rooms.has(talk.id)) return;
  const room = ackd.room(talk.id, talk.durable ? { durable: true, from: 1 } : {});
  rooms.set(talk.id, room);
  const here = new Set<string>();
  room.presence((change) => {
    if (change.online) here.add(change.id);
    else here.delete(change.id);
    members.value = new Map(members.value).set(talk.id, new Set(here));
  });
}

const WATCHED_MAX = 1000;

function watchPeople(): void {
  watch?.close();
  const ids = sorted.value.filter((talk) => talk.kind === "person").slice(0, WATCHED_MAX).map((talk) => talk.id);
  if (ids.length === 0) return;
  watch = ackd.presence(ids, ({ id, online: isHere }) => {
    const here = new Set(online.value);
    if (isHere) here.add(id);
    else here.delete(id);
    online.value = here;
  });
}

/** Begins a conversation, or opens the one there is. A fault is answered as text. */
export async function begin(kind: Talk["kind"], id: string, durable = false): Promise<string | undefined> {
  if (!isName(id)) return "An ID or a room has 1 to 128 letters, digits or . _ ~ @ + : -";
  if (kind === "person" && id === me.value) return "That is you.";
  const key = `${kind === "room" ? "r" : "p"}:${id}`;
  const made = await history.talk(key, (known) => known ?? { key, id, kind, durable, unread: 0, last: "", at: Date.now() });
  show(made);
  tabs.postMessage(key);
  await open(key);
  return undefined;
}

export async function open(key: string | null): Promise<void> {
  opened.value = key;
  await rows.open(key);
  if (key !== null) await markRead();
}

/** Nothing of the open conversation is unread any more. */
export async function markRead(): Promise<void> {
  const known = talk.value;
  if (!known?.unread || document.hidden) return;
  show(await history.talk(known.key, (talk) => ({ ...(talk ?? known), unread: 0 })));
}

/** The row first, so that what the SDK tells of the message finds it. */
export async function send(text: string): Promise<void> {
  const to = talk.value;
  const id = me.value ?? "";
  if (!to || text.trim() === "") return;
  const row: Row = { key: reference(), talk: to.key, mine: true, from: id, text, at: Date.now(), state: "unsent" };
  const stored = await history.add(row, (known) => ({ ...(known ?? to), last: text, at: row.at }));
  if (!stored) return;
  show(stored.talk);
  rows.append(stored.row);
  await dispatch(stored.row, to);
}

async function dispatch(row: Row, to: Talk): Promise<void> {
  const body = write(row.text, myName.value);
  const sent = to.kind === "room" ? rooms.get(to.id)?.send(body, { ref: row.key }) : ackd.send(to.id, body, { ref: row.key });
  // Their outcome comes as `sent`, to all tabs and over reloads.
  sent?.accepted.catch(() => undefined);
  sent?.acked.catch(() => undefined);
  try {
    await sent?.queued;
    await mark(row.key, "queued");
  } catch (error) {
    notify("failed", `Not sent: ${error instanceof Error ? error.message : "this browser keeps nothing more"}`);
  }
  tabs.postMessage(to.key);
}

/** Sends what the page was closed over before it was in the outbox. */
export async function again(row: Row): Promise<void> {
  const to = talks.value.get(row.talk);
  if (!to || row.place === undefined) return;
  await history.remove(row.place);
  rows.take(row);
  await send(row.text);
}

function reference(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function rename(name: string): void {
  myName.value = name.trim().slice(0, NAME_MAX);
  localStorage.setItem(`${storage}:name`, myName.value);
}

/** The switch: for all tabs of this person. */
export function setOffline(off: boolean): void {
  if (off) ackd.pause();
  else ackd.resume();
}

export const title = computed(() => {
  const unread = [...talks.value.values()].reduce((sum, talk) => sum + talk.unread, 0);
  return `${unread > 0 ? `(${unread}) ` : ""}ackd chat${person ? ` as ${person}` : ""}`;
});

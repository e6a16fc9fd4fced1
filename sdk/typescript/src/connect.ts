import { Ackd } from "./ackd.js";
import { systemClock } from "./clock.js";
import { type Hub, type HubParts, Solo } from "./hub.js";
import { type Identity, type IdentityStore, localIdentity, memoryIdentity } from "./identity.js";
import { IndexedDbStore } from "./indexeddb.js";
import { type Entry, Leader } from "./leader.js";
import type { Sockets } from "./link.js";
import { MemoryStore } from "./memory.js";
import type { ConnectOptions } from "./options.js";
import { Tabs } from "./tabs.js";
import type { OutboxStore } from "./store.js";

/**
 * Connects to an ackd server, and keeps connecting.
 *
 * @param url - `wss://host`, `ws://host:5000` or the same with `http`; the path is `/v1/ws` unless another is given
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Ackd {
  const address = addressOf(url);
  const name = options.name ?? `${new URL(address).host}${fixedId(options)}`;
  const canShare = options.store === undefined ? sharesTabs() : options.tabs === true && sharesTabs();
  const isShared = canShare && options.tabs !== false;
  const entry = entryOf(options, `ackd:${name}`);
  const client = new Ackd({
    store: options.store ? Promise.resolve(options.store) : openStore(`ackd:${name}`, canShare),
    outboxLimit: options.outboxLimit ?? 10_000,
    makeHub: (store, parts) => {
      const hubParts: HubParts = {
        ...parts,
        name: `ackd:${name}`,
        makeLeader: (tell, deposed) =>
          new Leader({
            url: address, entry, store, tell, deposed, device: options.device ?? "", window: options.window ?? 64,
            maxFailures: options.maxFailures ?? 10, sockets: () => socketsOf(options), clock: systemClock,
          }),
      };
      // A store of memory is this tab's alone.
      const hub: Hub = isShared && !(store instanceof MemoryStore) ? new Tabs(hubParts) : new Solo(hubParts);
      return hub;
    },
  });
  wakeWithDevice(client);
  return client;
}

function addressOf(url: string | URL): string {
  const address = new URL(url, typeof location === "undefined" ? undefined : location.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  if (address.pathname === "/") address.pathname = "/v1/ws";
  return address.href;
}

function fixedId({ identity }: ConnectOptions): string {
  return isFixed(identity) ? `:${identity.id}` : "";
}

function isFixed(identity: ConnectOptions["identity"]): identity is Identity {
  return typeof identity === "object" && "token" in identity;
}

function entryOf({ identity = "auto" }: ConnectOptions, key: string): Entry {
  if (isFixed(identity)) return { fixed: identity };
  return identity === "auto" ? keptHere(key) : identity;
}

function keptHere(key: string): IdentityStore {
  try {
    if (typeof document !== "undefined") {
      localStorage.getItem(key);
      return localIdentity(key);
    }
  } catch {
    // Some browsers forbid it, to pages within others for one.
  }
  return memoryIdentity();
}

/** Locks and channels between tabs are there in secure contexts only: https, and localhost. */
function sharesTabs(): boolean {
  return typeof document !== "undefined" && "locks" in navigator && typeof BroadcastChannel !== "undefined";
}

async function openStore(name: string, canShare: boolean): Promise<OutboxStore> {
  // Without locks two tabs would take the outbox from each other.
  if (!canShare || typeof indexedDB === "undefined") return new MemoryStore();
  try {
    return await IndexedDbStore.open(name);
  } catch (error) {
    console.warn("ackd: this browser keeps nothing; what is unanswered is lost with the page", error);
    return new MemoryStore();
  }
}

async function socketsOf(options: ConnectOptions): Promise<Sockets> {
  const given = options.WebSocket ?? (globalThis as { WebSocket?: Sockets }).WebSocket;
  if (given) return given;
  const peer = "ws"; // Node.js before 22; bundlers need not find it
  const module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ peer)) as { WebSocket: Sockets };
  return module.WebSocket;
}

function wakeWithDevice(client: Ackd): void {
  if (typeof document === "undefined") return;
  const abort = new AbortController();
  const { signal } = abort;
  addEventListener("online", () => client.wake(), { signal });
  addEventListener("pageshow", () => client.wake(), { signal });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && client.wake(), { signal });
  client.on("state", (state) => {
    if (state === "closed") abort.abort();
  });
}

import type { Identity, IdentityStore } from "./identity.js";
import type { Sockets } from "./link.js";
import type { OutboxStore } from "./store.js";

/** Vouches for a user of the application. */
export interface JwtSource {
  /** Gives a JWT that is valid now; its `sub` is the identity. A failure is tried again later. */
  jwt: () => string | Promise<string>;
}

/** How a client connects. All of it can be left out. */
export interface ConnectOptions {
  /**
   * Who this is. `"auto"` (the default): issued by the server at the first visit and kept in local storage (in memory
   * where there is none); a new one when it has ended. Or a fixed identity, one kept elsewhere, or a function that
   * gives a JWT: it is asked before every connection, so an old one is never used for long.
   */
  identity?: "auto" | Identity | IdentityStore | JwtSource;
  /** Which device of its identity this is; each gets every message. The default is one without a name. */
  device?: string;
  /** Names what is kept on this device. Two clients of a page need two. Default: the server's host, and a fixed ID. */
  name?: string;
  /** Keeps what is unanswered. Default: IndexedDB, or memory where there is none. */
  store?: OutboxStore;
  /** Whether all tabs share one connection. Default: where the browser can (Web Locks, in secure contexts only). */
  tabs?: boolean;
  /** How many unacknowledged messages may be under way to this client, 1 to 1,024. Default 64. */
  window?: number;
  /** Sends that may wait on this device; more are refused with `outbox_full`. Default 10,000. */
  outboxLimit?: number;
  /** With how many failures of its handler a message is rejected; 0: never. Default 10. */
  maxFailures?: number;
  /** The class of sockets, where there is no global one. */
  WebSocket?: Sockets;
}

/** How a message is sent. */
export interface SendOptions {
  /** Whether `acked` is wanted: costs a small message back. Default `true` to an identity; rooms have none. */
  receipt?: boolean;
  /** After how many ms it is of no use any more. Default and most: the server's `message_ttl`. */
  ttlMs?: number;
  /**
   * `"accept"`: stored before it is accepted. `"miss"`: stored for those who miss it. `"never"`: a signal, such as
   * "is typing": whoever is there gets it, and it is not kept here either. Default: the server's.
   */
  persist?: "accept" | "miss" | "never";
  /** A name of your own for it: up to 64 characters, not beginning with `~`, never used before. */
  ref?: string;
}

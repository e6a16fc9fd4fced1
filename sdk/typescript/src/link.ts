import type { Clock } from "./clock.js";

/** The class of sockets. */
export type Sockets = typeof WebSocket | (new (url: string, protocol: string) => WebSocket);

/** Whom a link tells what happens to it. After `closed` nothing more comes. */
export interface LinkEvents {
  opened(): void;
  heard(text: string): void;
  /** The close code; 1006 where there was none. */
  closed(code: number): void;
}

/** One WebSocket, and whether it still lives: browsers show no pings, so silence is answered with one of our own. */
export class Link {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  #events: LinkEvents | undefined;
  #cancel: () => void;
  #intervalMs: number | undefined;
  /** A ping went out, and nothing was heard since. */
  #pinged = false;

  constructor(url: string, sockets: Sockets, clock: Clock, events: LinkEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#socket = new sockets(url, "ackd.v1.json");
    this.#cancel = clock.after(OPEN_MS, () => {
      this.#over(1006);
    });
    this.#socket.onopen = () => {
      this.#events?.opened();
    };
    this.#socket.onmessage = ({ data }) => {
      this.#pinged = false;
      this.#events?.heard(typeof data === "string" ? data : "");
    };
    this.#socket.onclose = ({ code }) => {
      this.#over(code);
    };
    // Some tell no close of a connection that never was.
    this.#socket.onerror = () => {
      this.#over(1006);
    };
  }

  /** The server has let us in; it speaks at least so often, be it only to answer a ping. */
  connected(intervalMs: number): void {
    this.#intervalMs = Math.min(intervalMs, INTERVAL_MS_MAX);
    this.#await(this.#intervalMs);
  }

  /** Asks now whether the other side is still there. */
  probe(): void {
    if (this.#intervalMs === undefined) return;
    this.#ping();
    this.#await(PROBE_MS);
  }

  /** Says frames. */
  send(frames: string[]): void {
    if (this.#socket.readyState !== 1) return; // what is not said now is said on the next connection
    for (const frame of frames) this.#socket.send(frame);
  }

  /** Ends it, without waiting for the other side. */
  close(code = 1000): void {
    this.#events = undefined;
    this.#cancel();
    // Before it is open a socket closes without a word, whatever the code.
    this.#socket.close(code);
  }

  #await(ms: number): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => {
      if (this.#pinged) {
        this.#over(1006);
        return;
      }
      this.#ping();
      this.#await(this.#intervalMs ?? ms);
    });
  }

  #ping(): void {
    this.#pinged = true;
    this.send(['{"op":"ping"}']);
  }

  #over(code: number): void {
    const events = this.#events;
    this.close();
    events?.closed(code);
  }
}

const OPEN_MS = 15_000;
const INTERVAL_MS_MAX = 60_000;
const PROBE_MS = 5_000;

import type { Outgoing } from "./frames.js";

/** A send with its number. */
export interface Numbered {
  /** Its number in the outbox: 1, 2, 3 … */
  n: number;
  /** What is said. */
  outgoing: Outgoing;
}

interface Unanswered extends Numbered {
  /** Whether it has to go out (again) on this connection. */
  due: boolean;
}

/**
 * The oldest sends that the server has not answered. The store holds all of them, in order; the session has no more
 * here than may be said. Pure.
 */
export class Outbox {
  readonly #unanswered = new Map<number, Unanswered>();
  #last = 0;
  #bytes = 0;

  /** The highest number that was ever taken in: what the store has beyond is not here yet. */
  get last(): number {
    return this.#last;
  }

  /** How many more sends may be taken in. */
  get space(): number {
    if (BYTES_MAX <= this.#bytes) return 0;
    return SAID_MAX - this.#unanswered.size;
  }

  /** Takes in the next sends of the store, in order. */
  add(sends: Numbered[]): void {
    for (const { n, outgoing } of sends) {
      if (n <= this.#last) continue;
      this.#last = n;
      this.#bytes += outgoing.text.length;
      this.#unanswered.set(n, { n, outgoing, due: true });
    }
  }

  /** A new connection: everything unanswered goes out again. */
  reconnected(): void {
    for (const send of this.#unanswered.values()) send.due = true;
  }

  /** Takes what has to go out, in order, never more than 1,023 past the oldest unanswered. */
  takeDue(): Numbered[] {
    const due: Numbered[] = [];
    let oldest: number | undefined;
    for (const send of this.#unanswered.values()) {
      oldest ??= send.n;
      if (SAID_MAX <= send.n - oldest) break;
      if (send.due) due.push(send);
      send.due = false;
    }
    return due;
  }

  /** A number is answered for good: which send that was; `undefined`: it was answered before. */
  answered(n: number): Outgoing | undefined {
    const send = this.#unanswered.get(n);
    if (!send) return undefined;
    this.#unanswered.delete(n);
    this.#bytes -= send.outgoing.text.length;
    return send.outgoing;
  }

  /** A number was refused for a reason that passes: it goes out again. */
  refusedForNow(n: number): void {
    const send = this.#unanswered.get(n);
    if (send) send.due = true;
  }

  /** What is unanswered, in order. */
  unanswered(): Numbered[] {
    return [...this.#unanswered.values()];
  }

  /** There is another outbox: everything is numbered anew, and comes from the store again. */
  clear(): void {
    this.#unanswered.clear();
    [this.#last, this.#bytes] = [0, 0];
  }
}

/** The server allows 1,024 (1,023 past the oldest). */
const SAID_MAX = 1000;
/** Characters of what is said and unanswered, about: what is beyond waits in the store. */
const BYTES_MAX = 4 * 1024 * 1024;

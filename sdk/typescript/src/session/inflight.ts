interface Open {
  id: string | undefined;
  state: "open" | "done" | "rejected";
}

/** Acks that are due: all of the log up to a place, and single IDs. */
export interface Acks {
  upTo: number | undefined;
  ids: string[];
}

/**
 * What one connection has been sent of one log (the mailbox, or a durable room) and has not acknowledged. Turns what
 * is done into few acks: one up to a `seq` where there is no gap, else by ID. Pure; made anew with every connection.
 */
export class Inflight {
  /** By the last `seq` of each (a `lost` covers several). */
  readonly #open = new Map<number, Open>();
  readonly #seqs = new Map<string, number>();
  #doneIds: string[] = [];
  /** Something that is open was put out of `#open`: nothing may be acknowledged "up to" any more. */
  #byIdOnly = false;

  /** Something of the log came: a message (`id`), or a `lost` that ends with `seq`. */
  deliver(seq: number, id?: string): void {
    if (id !== undefined) this.#seqs.set(id, seq);
    if (!this.#open.has(seq)) this.#open.set(seq, { id, state: "open" });
    if (this.#open.size <= OPEN_MAX) return;
    // Only what ended on the server while the application kept it adds up here: it frees its place unseen.
    const oldest = Math.min(...this.#open.keys());
    const entry = this.#open.get(oldest);
    this.#byIdOnly = true;
    this.#open.delete(oldest);
    if (entry?.id !== undefined) this.#seqs.delete(entry.id);
  }

  /** The application is done with a message. */
  done(id: string): void {
    const seq = this.#seqs.get(id);
    if (seq === undefined) this.#doneIds.push(id);
    else this.doneSeq(seq);
  }

  /** The application is done with what ends at `seq`. */
  doneSeq(seq: number): void {
    const entry = this.#open.get(seq);
    if (entry) entry.state = "done";
  }

  /** The application has rejected a message; its place, where it has one on this connection. */
  rejected(id: string): number | undefined {
    const seq = this.#seqs.get(id);
    const entry = seq === undefined ? undefined : this.#open.get(seq);
    if (entry) entry.state = "rejected";
    return entry ? seq : undefined;
  }

  /** Takes the acks that are due. A `lost` with something open before it has to wait: only a `seq` settles it. */
  take(): Acks {
    const acks: Acks = { upTo: undefined, ids: this.#doneIds };
    this.#doneIds = [];
    let isGapless = !this.#byIdOnly;
    for (const seq of [...this.#open.keys()].sort((a, b) => a - b)) {
      const entry = this.#open.get(seq);
      if (!entry) continue;
      isGapless &&= entry.state !== "open";
      if (isGapless) acks.upTo = seq;
      else if (entry.state === "done" && entry.id !== undefined) acks.ids.push(entry.id);
      if (!isGapless && (entry.state === "open" || entry.id === undefined)) continue;
      this.#open.delete(seq);
      if (entry.id !== undefined) this.#seqs.delete(entry.id);
    }
    return acks;
  }
}

/** Four of the largest windows. */
const OPEN_MAX = 4096;

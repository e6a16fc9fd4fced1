type Said =
  | { op: "connect"; epoch?: string; acked?: number }
  | { op: "send"; n: number; body: unknown }
  | { op: "ack"; ids?: string[]; seq?: number }
  | { op: "reject"; ids: string[] };

/** The rules of the server that a session relies on, without time: one identity, one outbox, one mailbox. */
export class FakeServer {
  /** The bodies that were accepted, in order. */
  readonly accepted: unknown[] = [];
  readonly rejected: string[] = [];
  readonly #random: () => number;
  readonly #numbers = new Map<number, string>();
  readonly #waiting = new Map<number, string>();
  readonly #window = 8;
  readonly #inFlight = new Map<number, string>();
  #lastSeq = 0;
  #refused: number | undefined;
  #outgoing: string[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Somebody sends to this mailbox. */
  deliver(id: string): void {
    this.#waiting.set(++this.#lastSeq, id);
  }

  /** Whether everything is acknowledged or rejected. */
  get isSettled(): boolean {
    return this.#waiting.size === 0;
  }

  /** The last connection is gone, with all that was under way. */
  disconnect(): void {
    this.#inFlight.clear();
    this.#outgoing = [];
    this.#refused = undefined;
  }

  /** Takes what it has to say. */
  take(): string[] {
    for (const [seq, id] of this.#waiting) {
      if (this.#window <= this.#inFlight.size) break;
      if (this.#inFlight.has(seq)) continue;
      this.#inFlight.set(seq, id);
      this.#say({ op: "message", seq, id, from: "ann", to: "me", body: id, at: 1 });
    }
    // What is under way for long comes again.
    for (const [seq, id] of this.#inFlight) {
      if (this.#random() < 0.05) this.#say({ op: "message", seq, id, from: "ann", to: "me", body: id, at: 1, attempt: 2 });
    }
    return this.#outgoing.splice(0);
  }

  hear(text: string): void {
    const frame = JSON.parse(text) as Said;
    if (frame.op === "connect") this.#connect(frame);
    else if (frame.op === "send") this.#send(frame);
    else if (frame.op === "ack") this.#settle(frame);
    else for (const id of frame.ids) this.#remove(id, true);
  }

  #say(frame: object): void {
    this.#outgoing.push(JSON.stringify(frame));
  }

  #connect(frame: { epoch?: string; acked?: number }): void {
    if (frame.epoch === "e") this.#ackUpTo(frame.acked ?? 0);
    const first = Math.min(this.#lastSeq + 1, ...this.#waiting.keys());
    this.#say({
      op: "connected", id: "me", epoch: "e", acked: first - 1, sent: Math.max(0, ...this.#numbers.keys()), pending: 0,
      max_message: 65536, ping_interval_ms: 25000,
    });
  }

  #send({ n, body }: { n: number; body: unknown }): void {
    const before = this.#numbers.get(n);
    if (before !== undefined) {
      this.#say({ op: "accepted", n, id: before, dup: true });
    } else if (this.#refused !== undefined && this.#refused < n) {
      this.#say({ op: "error", n, code: "gap", message: "", temporary: true, expected: this.#refused });
    } else if (this.#random() < 0.1) {
      this.#refused = n;
      this.#say({ op: "error", n, code: "store_unavailable", message: "", temporary: true });
    } else {
      this.#refused = undefined;
      const id = `id${String(n)}`;
      this.#numbers.set(n, id);
      this.accepted.push(body);
      this.#say({ op: "accepted", n, id });
    }
  }

  #settle(frame: { ids?: string[]; seq?: number }): void {
    for (const id of frame.ids ?? []) this.#remove(id, false);
    if (frame.seq !== undefined) this.#ackUpTo(frame.seq);
  }

  #ackUpTo(seq: number): void {
    for (const [place, id] of this.#waiting) {
      if (place <= seq) this.#remove(id, false);
    }
  }

  #remove(id: string, rejected: boolean): void {
    for (const [seq, waiting] of this.#waiting) {
      if (waiting !== id) continue;
      this.#waiting.delete(seq);
      this.#inFlight.delete(seq);
      if (rejected) this.rejected.push(id);
    }
  }
}

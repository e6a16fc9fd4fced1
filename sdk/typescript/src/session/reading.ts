import type { ClientFrame, LostFrame, MessageFrame, ReceiptFrame } from "./frames.js";
import { Inflight } from "./inflight.js";
import { Position } from "./position.js";
import { RANGE, Recent } from "./recent.js";

/** What is remembered of a delivery: done with, rejected, or failed so often. */
export interface Note {
  /** Of the message. */
  id: string;
  /** `wanted`: its handler has failed, and it is to be handed over again. */
  state: "done" | "rejected" | "wanted";
  /** How often its handler has failed. */
  failures: number;
}

/** A delivery that has its own place in some log. */
type Placed = MessageFrame | ReceiptFrame | LostFrame;

/**
 * What was received, over all connections: which deliveries are new to the application, and what is to be
 * acknowledged. Pure.
 */
export class Reading {
  readonly #recent = new Recent();
  readonly #position: Position;
  /** One for the mailbox (""), one for each durable room. */
  #logs = new Map<string, Inflight>();
  /** Which log a message of this connection is of. */
  #logOf = new Map<string, string>();
  #rejects: string[] = [];
  #notes: Note[] = [];

  /** @param notes - what was remembered, oldest first */
  constructor(notes: Note[], position?: { epoch: string; acked: number }) {
    this.#position = new Position(position?.epoch, position?.acked);
    for (const note of notes) this.#recent.set(note.id, note.state, note.failures);
  }

  /** Epoch and place that `connect` says. */
  position(): { epoch: string; acked: number } | undefined {
    return this.#position.known();
  }

  /** There is a new connection: nothing was delivered on it yet. */
  opened(): void {
    this.#logs = new Map();
    this.#logOf = new Map();
    this.#rejects = []; // what was not heard comes again, and is rejected again
  }

  /** The server said where the mailbox stands. */
  connected(epoch: string, acked: number): void {
    if (this.#position.connected(epoch, acked)) this.#recent.forgetRanges();
  }

  /** Something came; whether it is new to the application. */
  deliver(frame: Placed): boolean {
    const key = keyOf(frame);
    const log = frame.op === "lost" || (frame.op === "message" && frame.durable) ? (frame.room ?? "") : "";
    const inflight = this.#log(log);
    if (frame.op === "lost") inflight.deliver(frame.to);
    else if (frame.seq !== undefined) {
      inflight.deliver(frame.seq, frame.id);
      this.#remember(frame.id, log);
    }
    const known = this.#recent.deliver(key);
    if (known === "done" && frame.op === "lost") inflight.doneSeq(frame.to);
    else if (known === "done") inflight.done(key); // it was not heard: it is said again
    else if (known === "rejected") this.#sayReject(key);
    return known === undefined;
  }

  /** The application is done with a message, a receipt or a `lost`. Once is enough, and a late failure changes nothing. */
  done(frame: Placed): void {
    const key = keyOf(frame);
    if (this.#isSettled(key)) return;
    this.#recent.set(key, "done");
    if (frame.op === "lost") {
      this.#log(frame.room ?? "").doneSeq(frame.to);
      return;
    }
    this.#notes.push({ id: key, state: "done", failures: 0 });
    this.#log(this.#logOf.get(key) ?? "").done(key);
  }

  /**
   * The application has failed with a message: with the `most`th time it is rejected, before that it is handed over
   * again when it comes again. Whether it is rejected. 0 as `most`: never.
   */
  fail(id: string, most: number): boolean {
    const entry = this.#recent.get(id);
    if (this.#isSettled(id) || entry?.state === "wanted") return false;
    const failures = (entry?.failures ?? 0) + 1;
    const state = 0 < most && most <= failures ? "rejected" : "wanted";
    this.#recent.set(id, state, failures);
    this.#notes.push({ id, state, failures });
    if (state === "rejected") this.#sayReject(id);
    return state === "rejected";
  }

  /** Takes what is to be said: rejects first, since an ack "up to" may pass over them. */
  take(): ClientFrame[] {
    const frames: ClientFrame[] = [];
    const say = (op: string, ids: string[]): void => {
      for (let at = 0; at < ids.length; at += IDS_MAX) frames.push({ op, ids: ids.slice(at, at + IDS_MAX) });
    };
    say("reject", this.#rejects);
    this.#rejects = [];
    for (const [room, inflight] of this.#logs) {
      const { upTo, ids } = inflight.take();
      if (upTo !== undefined && room === "") this.#position.acked(upTo);
      if (upTo !== undefined) frames.push({ op: "ack", ...(room === "" ? {} : { room }), seq: upTo });
      say("ack", ids);
    }
    return frames;
  }

  /** Takes what has changed. */
  takeNotes(): Note[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  #isSettled(key: string): boolean {
    const state = this.#recent.get(key)?.state;
    return state === "done" || state === "rejected";
  }

  #remember(id: string, log: string): void {
    if (log === "") return; // the mailbox is where everything else is looked for
    this.#logOf.set(id, log);
    if (this.#logOf.size <= IDS_REMEMBERED) return;
    for (const oldest of this.#logOf.keys()) {
      this.#logOf.delete(oldest); // its ack goes by ID then
      return;
    }
  }

  #sayReject(id: string): void {
    this.#rejects.push(id);
    const log = this.#logOf.get(id) ?? "";
    const seq = this.#log(log).rejected(id);
    if (seq !== undefined && log === "") this.#position.rejected(seq);
  }

  #log(name: string): Inflight {
    let log = this.#logs.get(name);
    if (!log) this.#logs.set(name, (log = new Inflight()));
    return log;
  }
}

/** What a delivery is known by. */
function keyOf(frame: Placed): string {
  return frame.op === "lost" ? `${RANGE}${frame.room ?? ""} ${String(frame.from)} ${String(frame.to)}` : frame.id;
}

/** Most IDs of one `ack` or `reject`. */
const IDS_MAX = 1024;
const IDS_REMEMBERED = 4096;

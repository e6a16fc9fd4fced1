import { AckdError } from "../error.js";
import type { Effect } from "./effect.js";
import {
  type ClientFrame, type ConnectedFrame, type ErrorFrame, type MessageFrame, type Outgoing, type ServerFrame, sendFrame,
} from "./frames.js";
import { type Numbered, Outbox } from "./outbox.js";
import { type Note, Reading } from "./reading.js";
import { Asked, type WantedRoom, type Wants } from "./wants.js";

/** Who connects: with a token, or vouched for by the application. `undefined`: somebody new. */
export type Credential = { id: string; token: string; new?: boolean } | { jwt: string } | undefined;

/** What a session begins with. */
export interface Beginning {
  device: string;
  window: number;
  client: string;
  outbox: string;
  /** What was remembered of earlier deliveries. */
  notes: Note[];
  position: { epoch: string; acked: number } | undefined;
}

/** What is due: first to be remembered, then to be said. */
export interface Due {
  /** Numbers that are answered for good. */
  answered: number[];
  notes: Note[];
  position: { epoch: string; acked: number } | undefined;
  frames: string[];
}

/**
 * What the client knows and owes, whatever connection it has: a state machine between frames and the application.
 * Knows neither socket nor store, reads no clock and draws no random numbers.
 */
export class Session {
  readonly outbox = new Outbox();
  readonly #beginning: Beginning;
  readonly #reading: Reading;
  readonly #asked = new Asked();
  /** Who is in the rooms that are watched. */
  readonly #here = new Map<string, Set<string>>();
  readonly #gens = new Map<string, number>();
  #outboxName: string;
  #hasToken = false;
  #connected = false;
  #maxMessage = Infinity;
  #signals: Outgoing[] = [];
  #answered: number[] = [];
  /** Sends wait until then, after a refusal that passes. */
  #retryAt: number | undefined;
  #retries = 0;
  /** After how many ms `goaway` asked to come back. */
  goawayMs: number | undefined;

  constructor(beginning: Beginning) {
    this.#beginning = beginning;
    this.#outboxName = beginning.outbox;
    this.#reading = new Reading(beginning.notes, beginning.position);
  }

  /** A connection is there: forgets what was the last one's; the first frame. */
  open(credential: Credential): ClientFrame {
    this.#connected = false;
    this.#hasToken = credential !== undefined && "token" in credential && credential.new !== true;
    this.#reading.opened();
    this.#asked.opened();
    this.outbox.reconnected();
    [this.#retryAt, this.#retries, this.goawayMs, this.#signals] = [undefined, 0, undefined, []];
    const { device, window, client } = this.#beginning;
    return {
      op: "connect",
      ...credential,
      ...this.#reading.position(),
      ...(device === "" ? {} : { device }),
      outbox: this.#outboxName,
      window,
      client,
    };
  }

  /** The connection is gone. */
  closed(): void {
    this.#connected = false;
  }

  /** Whether the server has let us in. */
  get isConnected(): boolean {
    return this.#connected;
  }

  /** When sends that wait may go out again, in ms of the clock that `read` is given. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** Sends without a number, lost with the connection. */
  signal(outgoing: Outgoing): boolean {
    if (!this.#connected || SIGNALS_MAX <= this.#signals.length) return false;
    this.#signals.push(outgoing);
    return true;
  }

  /** Which rooms and whose presence is wanted from now on. */
  want(wants: Wants): void {
    this.#asked.set(wants);
  }

  /** Leaves a room for good. */
  leave(room: string): void {
    this.#asked.leave(room);
  }

  /** The application is done with a delivery. */
  done(frame: Parameters<Reading["done"]>[0]): void {
    this.#reading.done(frame);
  }

  /** The application has failed with a message; whether it is rejected now. */
  fail(id: string, most: number): boolean {
    return this.#reading.fail(id, most);
  }

  /** There is another outbox, and its numbers begin anew. */
  renewed(outbox: string): void {
    this.#outboxName = outbox;
    this.outbox.clear();
    this.#answered = [];
  }

  /** Takes what the server said. `now` is in ms. */
  read(frame: ServerFrame, now: number): Effect[] {
    switch (frame.op) {
      case "connected":
        return this.#connect(frame);
      case "accepted":
        this.#retries = 0;
        return this.#accepted(frame.n, frame.ref, frame.id);
      case "error":
        return this.#error(frame, now);
      case "message":
        return this.#message(frame);
      case "receipt":
      case "lost":
        return this.#reading.deliver(frame) ? [{ kind: "deliver", frame }] : [];
      case "joined":
        this.#asked.answered(frame.ref);
        return [{ kind: "joined", room: frame.room, members: frame.members }];
      case "watching":
        return this.#watching(frame.ref, frame.present);
      case "presence":
        return this.#presence(frame);
      case "goaway":
        this.goawayMs = frame.reconnect_after_ms;
        return [];
      default:
        return [];
    }
  }

  /** Takes what is due. Acks go first: they make room for what comes next. */
  take(now: number): { due: Due; effects: Effect[] } {
    const effects: Effect[] = [];
    const frames: string[] = [];
    if (this.#connected) {
      const frame = (value: ClientFrame): number => frames.push(JSON.stringify(value));
      this.#reading.take().forEach(frame);
      this.#asked.take(this.#roomsOfSends()).forEach(frame);
      for (const outgoing of this.#signals) frames.push(sendFrame(undefined, outgoing));
      this.#signals = [];
      if (this.#retryAt === undefined || this.#retryAt <= now) this.#takeSends(frames, effects);
    }
    const due: Due = {
      answered: this.#answered, notes: this.#reading.takeNotes(), position: this.#reading.position(), frames,
    };
    this.#answered = [];
    return { due, effects };
  }

  #takeSends(frames: string[], effects: Effect[]): void {
    this.#retryAt = undefined;
    for (const send of this.outbox.takeDue()) {
      // What the server would not even read is not said: it would close with 1009, again and again.
      if (this.#maxMessage * 3 < send.outgoing.text.length) effects.push(...this.#tooLarge(send));
      else frames.push(sendFrame(send.n, send.outgoing));
    }
  }

  #tooLarge({ n, outgoing }: Numbered): Effect[] {
    const length = `${String(outgoing.text.length)} characters, and the server takes ${String(this.#maxMessage)} bytes`;
    return this.#refused(n, new AckdError("too_large", `the body has ${length}`));
  }

  /** Rooms must be joined before what goes to them is said, also where nobody wants them any more. */
  #roomsOfSends(): WantedRoom[] {
    const rooms = this.outbox.unanswered().flatMap(({ outgoing }) => outgoing.room ?? []);
    return [...new Set(rooms)].map((room) => ({ room, durable: false }));
  }

  #connect(frame: ConnectedFrame): Effect[] {
    this.#connected = true;
    this.#maxMessage = frame.max_message;
    this.#reading.connected(frame.epoch, frame.acked);
    const effects: Effect[] = [{ kind: "connected", frame }];
    if (this.outbox.last < frame.sent) effects.push({ kind: "skip", sent: frame.sent });
    return effects;
  }

  #accepted(n: number | undefined, ref: string | undefined, id: string): Effect[] {
    const outgoing = n === undefined ? undefined : this.#answer(n);
    const of = outgoing?.ref ?? (n === undefined ? ref : undefined);
    if (of === undefined) return [];
    return [{ kind: "sent", change: { ...targetOf(outgoing), ref: of, state: "accepted", id } }];
  }

  #answer(n: number): Outgoing | undefined {
    const outgoing = this.outbox.answered(n);
    if (outgoing) this.#answered.push(n);
    return outgoing;
  }

  #refused(n: number, error: AckdError): Effect[] {
    const outgoing = this.#answer(n);
    if (!outgoing) return [];
    return [{ kind: "sent", change: { ...targetOf(outgoing), ref: outgoing.ref, state: "refused", error } }];
  }

  #error(frame: ErrorFrame, now: number): Effect[] {
    const error = new AckdError(frame.code, frame.message, frame.retry_after_ms);
    const isPassing = PASSING.has(frame.code);
    if (frame.n !== undefined) {
      if (frame.code === "outbox_taken") return [{ kind: "taken" }];
      if (!isPassing) return this.#refused(frame.n, error);
      this.outbox.refusedForNow(frame.n);
      this.#pause(frame, now);
      return [];
    }
    if (!this.#connected) {
      if (isPassing) return [{ kind: "again" }];
      if (frame.code === "unknown_identity" && this.#hasToken) return [{ kind: "renew" }];
      return [{ kind: "stop", error }];
    }
    const asked = this.#asked.answered(frame.ref, false);
    if (asked && "join" in asked) return [{ kind: "joined", room: asked.join, error }];
    if (!asked && frame.ref !== undefined) {
      return [{ kind: "sent", change: { ref: frame.ref, state: "refused", error } }]; // a signal
    }
    return [{ kind: "warn", text: `the server says: ${frame.message} (${frame.code})` }];
  }

  /** A passing refusal: sends wait for as long as the server asked, or longer each time. */
  #pause(frame: ErrorFrame, now: number): void {
    // A gap follows from a refusal whose pause is running.
    if (frame.code === "gap" && this.#retryAt !== undefined) return;
    const own = Math.min(RETRY_MS_MIN * 2 ** Math.min(this.#retries, 16), RETRY_MS_MAX);
    if (this.#retryAt === undefined) this.#retries += 1;
    const at = now + Math.min(frame.retry_after_ms ?? own, ASKED_MS_MAX);
    this.#retryAt = Math.max(this.#retryAt ?? 0, at);
  }

  #message(frame: MessageFrame): Effect[] {
    if (frame.ack === false) return [{ kind: "signal", frame }];
    return this.#reading.deliver(frame) ? [{ kind: "deliver", frame }] : [];
  }

  #watching(ref: string | undefined, present: string[]): Effect[] {
    const watched = this.#asked.answered(ref);
    if (!watched || "join" in watched) return [];
    const here = new Set(present);
    const room = "room" in watched ? { room: watched.room } : {};
    // Of a room those are asked about who were here on the last connection, too.
    const before = "room" in watched ? (this.#here.get(watched.room) ?? []) : watched.ids;
    const ids = new Set([...present, ...before]);
    if ("room" in watched) this.#here.set(watched.room, here);
    return [...ids].map((id) => ({ kind: "presence", change: { id, online: here.has(id), ...room } }));
  }

  #presence({ id, online, gen, at, room }: Extract<ServerFrame, { op: "presence" }>): Effect[] {
    const key = `${room ?? ""} ${id}`;
    if (gen <= (this.#gens.get(key) ?? 0)) return [];
    this.#gens.delete(key);
    this.#gens.set(key, gen);
    if (GENS_MAX < this.#gens.size) {
      for (const oldest of this.#gens.keys()) {
        this.#gens.delete(oldest);
        break;
      }
    }
    if (online) this.#here.get(room ?? "")?.add(id);
    else this.#here.get(room ?? "")?.delete(id);
    return [{ kind: "presence", change: { id, online, at, ...(room === undefined ? {} : { room }) } }];
  }
}

function targetOf(outgoing: Outgoing | undefined): { to?: string; room?: string } {
  return {
    ...(outgoing?.to === undefined ? {} : { to: outgoing.to }),
    ...(outgoing?.room === undefined ? {} : { room: outgoing.room }),
  };
}

/** Refusals after which the same is asked again. */
const PASSING = new Set(["store_unavailable", "internal", "rate_limited", "gap"]);
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
/** A server that asks for more is not believed. */
export const ASKED_MS_MAX = 300_000;
const SIGNALS_MAX = 256;
const GENS_MAX = 8_192;

import { AckdError } from "./error.js";
import type { IdentityReason, News, PlainError, Request, State } from "./channel.js";
import type { Clock } from "./clock.js";
import type { Identity, IdentityStore } from "./identity.js";
import { Link, type Sockets } from "./link.js";
import { Backoff } from "./session/backoff.js";
import type { Effect, PresenceChange } from "./session/effect.js";
import { readFrames, type MessageFrame } from "./session/frames.js";
import { ASKED_MS_MAX, type Credential, Session } from "./session/session.js";
import type { Wants } from "./session/wants.js";
import { DeposedError, type OutboxStore } from "./store.js";
import { Wanted } from "./wanted.js";

/** How the leader says who this is. */
export type Entry =
  | IdentityStore
  | { jwt: () => string | Promise<string> }
  /** Always the same; claimed if nobody holds it. */
  | { fixed: Identity };

/** What a leader is made of. */
export interface LeaderParts {
  url: string;
  device: string;
  window: number;
  maxFailures: number;
  entry: Entry;
  store: OutboxStore;
  sockets: () => Promise<Sockets>;
  clock: Clock;
  /** Tells all tabs, and resolves when this tab's handlers are done. */
  tell: (news: News) => Promise<void>;
  /** There is a newer leader. */
  deposed: () => void;
}

/** The one tab that has the connection: joins session, socket and store. Everything else asks it and hears from it. */
export class Leader {
  readonly #parts: LeaderParts;
  readonly #backoff = new Backoff();
  readonly #wanted = new Wanted();
  /** Told to the tabs, and without a verdict: not more than the window. */
  readonly #open = new Map<string, MessageFrame>();
  /** The newest of whom this is watched. */
  readonly #present = new Map<string, PresenceChange>();
  #session!: Session;
  #term = 0;
  #owner: string | undefined;
  #reason: IdentityReason = "first";
  #state: State = "connecting";
  #id: string | undefined;
  #link: Link | undefined;
  #cancelDial: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #connectedAt: number | undefined;
  #refusedJwt = false;
  /** A fixed identity that nobody holds (any more). */
  #claims = false;
  #ended = false;
  #pumping = false;
  /** Resolves when the rounds that are going on are over. */
  #pumped: Promise<void> = Promise.resolve();
  #pumpAgain = false;
  /** Not in the store yet. */
  #toKeep: (() => Promise<void>)[] = [];

  constructor(parts: LeaderParts) {
    this.#parts = parts;
  }

  /** Takes over what is kept, and connects; `paused`: not before it is told to. */
  async start(paused: boolean): Promise<void> {
    await this.#guard(() => this.#start(paused));
  }

  async #start(paused: boolean): Promise<void> {
    const { device, window, store } = this.#parts;
    const kept = await store.lead();
    this.#term = kept.term;
    this.#owner = kept.owner;
    const client = "ackd-ts/0.1.0";
    this.#session = new Session({ device, window, client, outbox: kept.outbox, notes: kept.notes, position: kept.position });
    if (this.#ended) return;
    this.#tell({ tell: "leader" });
    this.#setState(paused ? "paused" : "connecting");
    await this.#load();
    if (!paused) await this.#dial();
  }

  /** Ends it: says what is due, and leaves the rest to the next. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    if (this.#term !== 0) await this.#pump();
    this.#ended = true;
    this.#drop();
  }

  /** Ends it at once: somebody else leads. */
  abandon(): void {
    this.#ended = true;
    this.#drop();
  }

  /** Takes what a tab asks. */
  ask(request: Request): void {
    if (this.#ended || this.#term === 0) return;
    switch (request.ask) {
      case "wants":
        this.#wanted.set(request.tab, request.wants);
        this.#welcome(request.wants);
        void this.#load();
        break;
      case "bye":
        this.#wanted.delete(request.tab);
        break;
      case "queued":
        void this.#load();
        break;
      case "signal":
        if (!this.#session.signal(request.outgoing)) {
          const error = { code: "offline", message: "there is no connection, and a signal is not kept" };
          this.#tell({ tell: "sent", change: { ref: request.outgoing.ref, state: "refused", error } });
        }
        break;
      case "verdict":
        this.#verdict(request.id, request.ok);
        break;
      case "leave":
        this.#session.leave(request.room);
        break;
      case "pause":
        this.#pause(request.paused);
        break;
      case "alive":
        this.#tell({ tell: "alive" });
        return;
    }
    this.#session.want(this.#wanted.union());
    void this.#pump();
  }

  /** The device says that there is a network again, or that somebody looks: no pause is waited for. */
  wake(): void {
    if (this.#ended) return;
    if (this.#link) this.#link.probe();
    else if (this.#cancelDial) void this.#dial();
  }

  /** A tab that came later sees what is going on. */
  #welcome({ ids, watchedRooms }: Wants): void {
    this.#tell({ tell: "state", state: this.#state, id: this.#id });
    const wanted = this.#wanted.union();
    for (const [key, change] of this.#present) {
      const isOf = (who: Wants): boolean =>
        change.room === undefined ? who.ids.includes(change.id) : who.watchedRooms.includes(change.room);
      if (!isOf(wanted)) this.#present.delete(key);
      else if (isOf({ rooms: [], ids, watchedRooms })) this.#tell({ tell: "presence", change });
    }
    for (const frame of this.#open.values()) this.#tell({ tell: "deliver", frame });
  }

  #verdict(id: string, ok: boolean): void {
    const frame = this.#open.get(id);
    if (!frame) return;
    if (ok) this.#session.done(frame);
    else this.#session.fail(id, this.#parts.maxFailures);
    this.#open.delete(id); // failed: it is told again when it comes again
  }

  // --- Connecting ---

  async #dial(): Promise<void> {
    this.#cancelDial?.();
    this.#cancelDial = undefined;
    const { url, clock, sockets } = this.#parts;
    if (this.#state === "paused") return;
    let credential: Credential;
    try {
      credential = await this.#credential();
      const socketClass = await sockets();
      // Something may have happened meanwhile: a second dial, a pause, the end.
      if (this.#ended || this.#link || (this.#state as State) === "paused") return;
      const link = new Link(url, socketClass, clock, {
        opened: () => link.send([JSON.stringify(this.#session.open(credential))]),
        heard: (text) => this.#heard(link, text),
        closed: (code) => this.#closed(code),
      });
      this.#link = link;
    } catch (error) {
      if (error instanceof AckdError) this.#stopFor(error);
      else this.#comeBack(); // the application's own fetch of a JWT failed
    }
  }

  async #credential(): Promise<Credential> {
    const { entry, store } = this.#parts;
    if ("jwt" in entry) return { jwt: await entry.jwt() };
    const kept = "fixed" in entry ? entry.fixed : await entry.load();
    this.#id = kept?.id ?? this.#id;
    // Storage was emptied by halves: what waits is for somebody new to send, in a new outbox.
    if (!kept && this.#owner !== undefined) {
      this.#session.renewed(await store.renew(this.#term));
      this.#owner = undefined;
      await this.#load();
    } else if (kept && this.#owner !== undefined && this.#owner !== kept.id) {
      throw new AckdError("storage", `what waits on this device is of ${this.#owner}; use another \`name\``);
    }
    if (kept && this.#reason === "first") this.#reason = "kept";
    return kept && this.#claims ? { new: true, ...kept } : kept;
  }

  #heard(link: Link, text: string): void {
    if (link !== this.#link) return;
    try {
      for (const frame of readFrames(text)) {
        for (const effect of this.#session.read(frame, this.#parts.clock.now())) this.#do(effect);
        if (link !== this.#link) return; // what follows was said to who we were
      }
    } catch {
      this.#fail(1002); // the other side is none of ours
      return;
    }
    void this.#pump();
  }

  #closed(code: number): void {
    this.#session.closed();
    this.#link = undefined;
    const wasGood = this.#connectedAt !== undefined && this.#connectedAt + WELL_MS <= this.#parts.clock.now();
    if (wasGood) this.#backoff.reset();
    const isRefusedJwt = code === 4401 && "jwt" in this.#parts.entry;
    if (isRefusedJwt && !this.#refusedJwt) {
      this.#refusedJwt = true; // it was too old: another one, once
      this.#comeBack(0);
    } else if (STOP.has(code) || (4400 <= code && code < 4500)) {
      this.#stopFor(new AckdError("closed", `the server closed the connection for good (${String(code)})`));
    } else {
      this.#comeBack();
    }
  }

  #comeBack(pauseMs?: number): void {
    if (this.#ended || this.#state === "paused" || this.#state === "stopped") return;
    this.#connectedAt = undefined;
    this.#setState("offline");
    const { clock } = this.#parts;
    const asked = this.#session.goawayMs === undefined ? undefined : Math.min(this.#session.goawayMs, ASKED_MS_MAX);
    this.#session.goawayMs = undefined;
    const ms = pauseMs ?? asked ?? this.#backoff.pause(clock.random());
    this.#cancelDial?.();
    this.#cancelDial = clock.after(ms, () => void this.#dial());
  }

  #fail(code: number): void {
    this.#drop();
    this.#closed(code);
  }

  #drop(): void {
    this.#link?.close();
    this.#link = undefined;
    if (this.#term !== 0) this.#session.closed();
    this.#cancelDial?.();
    this.#cancelRetry?.();
    this.#cancelDial = this.#cancelRetry = undefined;
  }

  #pause(paused: boolean): void {
    if (paused === (this.#state === "paused") || this.#state === "stopped") return;
    if (paused) {
      this.#drop();
      this.#setState("paused");
    } else {
      this.#setState("connecting");
      void this.#dial();
    }
  }

  #stopFor(error: PlainError): void {
    if (this.#ended) return;
    this.#drop();
    this.#setState("stopped");
    const { code, message, retryAfterMs } = error;
    this.#tell({ tell: "stopped", error: { code, message, retryAfterMs } });
  }

  #setState(state: State): void {
    this.#state = state;
    this.#tell({ tell: "state", state, id: this.#id });
  }

  #tell(news: News): void {
    void this.#parts.tell(news);
  }

  // --- What the session wants done ---

  #do(effect: Effect): void {
    switch (effect.kind) {
      case "connected":
        this.#connected(effect.frame);
        break;
      case "deliver":
        this.#deliver(effect.frame);
        break;
      case "sent":
        this.#tell({ tell: "sent", change: plainChange(effect.change) });
        break;
      case "signal":
        this.#tell({ tell: "signal", frame: effect.frame });
        break;
      case "presence":
        this.#present.set(`${effect.change.room ?? ""} ${effect.change.id}`, effect.change);
        this.#tell({ tell: "presence", change: effect.change });
        break;
      case "joined": {
        const { room, members, error } = effect;
        const outcome = error ? { error: plain(error) } : { members: members ?? 0 };
        this.#tell({ tell: "joined", room, ...outcome });
        break;
      }
      case "skip":
        break; // `own` has taken care of it
      case "renew":
        this.#drop();
        void this.#renew();
        break;
      case "again":
        this.#fail(1006);
        break;
      case "taken":
        void this.#taken();
        break;
      case "stop":
        if (effect.error.code === "unauthorized" && "jwt" in this.#parts.entry) this.#fail(4401);
        else this.#stopFor(effect.error);
        break;
      case "warn":
        console.warn(`ackd: ${effect.text}`);
        break;
    }
  }

  #connected(frame: Extract<Effect, { kind: "connected" }>["frame"]): void {
    const { clock, entry, store } = this.#parts;
    this.#link?.connected(frame.ping_interval_ms);
    this.#connectedAt = clock.now();
    this.#refusedJwt = false;
    if (this.#owner !== undefined && this.#owner !== frame.id) {
      this.#stopFor(new AckdError("storage", `what waits on this device is of ${this.#owner}; use another \`name\``));
      return;
    }
    const { id, token } = frame;
    const reason = this.#reason;
    [this.#id, this.#owner, this.#reason, this.#claims] = [id, id, "kept", false];
    // Before anything else: the token is told once.
    if (token !== undefined && "save" in entry) this.#toKeep.push(async () => entry.save({ id, token }));
    this.#toKeep.push(() => store.own(this.#term, id, frame.sent));
    this.#tell({ tell: "identity", id, isNew: frame.new === true, reason });
    this.#setState("online");
  }

  #deliver(frame: Extract<Effect, { kind: "deliver" }>["frame"]): void {
    if (frame.op === "message") {
      this.#open.set(frame.id, frame);
      this.#tell({ tell: "deliver", frame });
      return;
    }
    // Receipts and `lost` are acknowledged when this tab's handlers have run; the other tabs only look on.
    void this.#parts.tell({ tell: "deliver", frame }).then(() => {
      this.#session.done(frame);
      return this.#pump();
    });
  }

  /** The identity has ended: somebody new has the same to send. */
  async #renew(): Promise<void> {
    const { entry, store } = this.#parts;
    await this.#guard(async () => {
      if ("clear" in entry) await entry.clear();
      this.#claims = "fixed" in entry;
      this.#session.renewed(await store.renew(this.#term));
      [this.#owner, this.#id, this.#reason] = [undefined, undefined, "unknown_identity"];
      await this.#load();
      await this.#dial();
    });
  }

  /** A newer connection has the outbox: a newer leader, or a copy of what is kept here. */
  async #taken(): Promise<void> {
    this.#drop();
    await this.#guard(async () => {
      await this.#parts.store.own(this.#term, this.#owner ?? "", 0); // throws if there is a newer leader
      this.#stopFor(new AckdError("outbox_taken", "another client uses the same storage"));
    });
  }

  // --- The store ---

  /** Takes in what is new in the store. */
  async #load(): Promise<void> {
    await this.#guard(async () => {
      const { outbox } = this.#session;
      if (outbox.space <= 0) return; // it is asked for again when something is answered
      outbox.add(await this.#parts.store.since(outbox.last, Math.min(outbox.space, LOAD_MAX)));
    });
    await this.#pump();
  }

  /** First what is due is remembered, then it is said: one round after the other. */
  #pump(): Promise<void> {
    this.#pumpAgain = true;
    if (!this.#pumping) this.#pumped = this.#rounds();
    return this.#pumped;
  }

  async #rounds(): Promise<void> {
    this.#pumping = true;
    await this.#guard(async () => {
      try {
        while (this.#pumpAgain && !this.#ended) {
          this.#pumpAgain = false;
          await this.#round();
        }
      } finally {
        this.#pumping = false; // in the same turn in which the loop has seen that there is no more to do
      }
    });
  }

  async #round(): Promise<void> {
    const { store, clock } = this.#parts;
    const { outbox } = this.#session;
    const link = this.#link;
    for (const keep of this.#toKeep.splice(0)) await keep();
    const { due, effects } = this.#session.take(clock.now());
    effects.forEach((effect) => this.#do(effect));
    if (due.answered.length !== 0 || due.notes.length !== 0) await store.save(this.#term, due);
    if (link === this.#link) link?.send(due.frames);
    this.#retryLater();
    if (due.answered.length === 0) return;
    const more = await store.since(outbox.last, Math.min(outbox.space, LOAD_MAX));
    outbox.add(more);
    this.#pumpAgain ||= more.length !== 0;
  }

  #retryLater(): void {
    const { retryAt } = this.#session;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (retryAt === undefined) return;
    const { clock } = this.#parts;
    this.#cancelRetry = clock.after(Math.max(0, retryAt - clock.now()), () => void this.#pump());
  }

  /** Nothing is said any more when the store fails, or has another leader. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#ended) return;
      if (error instanceof DeposedError) {
        this.#ended = true;
        this.#drop();
        this.#parts.deposed();
      } else {
        this.#stopFor(new AckdError("storage", `this device cannot keep what has to be kept: ${String(error)}`));
      }
    }
  }
}

function plain({ code, message, retryAfterMs }: AckdError): PlainError {
  return { code, message, retryAfterMs };
}

function plainChange({ error, ...change }: Extract<Effect, { kind: "sent" }>["change"]): Extract<News, { tell: "sent" }>["change"] {
  return { ...change, ...(error ? { error: plain(error) } : {}) };
}

/** Close codes after which coming back would end in the same way, besides 44xx. */
const STOP = new Set([1000, 1002, 1003, 1007, 1009]);
/** A connection that has lived so long was a good one. */
const WELL_MS = 10_000;
/** Sends that are taken from the store at once. */
const LOAD_MAX = 256;

import type { IdentityReason, News, PlainError, State } from "./channel.js";
import { AckdError } from "./error.js";
import type { Hub, HubParts } from "./hub.js";
import { type Lost, type Message, lostOf, messageOf } from "./message.js";
import type { SendOptions } from "./options.js";
import { outgoingOf, type Target } from "./outgoing.js";
import { randomName } from "./random.js";
import { Room, type RoomOptions } from "./room.js";
import { Sent } from "./sent.js";
import type { PresenceChange, SentChange } from "./session/effect.js";
import type { MessageFrame, Outgoing } from "./session/frames.js";
import { Recent } from "./session/recent.js";
import type { OutboxStore } from "./store.js";
import { Watch } from "./watch.js";

/** Who this is, and since when. */
export interface IdentityNews {
  /** The public name. */
  id: string;
  /** Whether it was made by this connection. */
  isNew: boolean;
  /** How the client came to it. */
  reason: IdentityReason;
}

/** What can be listened to with {@link Ackd.on}. */
export interface Events {
  /** A message came. It is acknowledged when all handlers of one tab have resolved, and comes again if one throws. */
  message: Message;
  /** A send has come further: of this page, of one before it, or of another tab. */
  sent: SentChange;
  /** The connection came or went. */
  state: State;
  /** It is known who this is, at every connection. */
  identity: IdentityNews;
  /** Messages ended before they were read. */
  lost: Lost;
  /** The client does not come back by itself. */
  stopped: AckdError;
  /** This tab holds the connection, or does no more. */
  leads: boolean;
}

type Handlers = { [E in keyof Events]: Set<(value: Events[E]) => unknown> };

/** What a client is made of. @internal */
export interface AckdParts {
  store: Promise<OutboxStore>;
  outboxLimit: number;
  makeHub: (store: OutboxStore, parts: Pick<HubParts, "hear" | "isPaused" | "leads">) => Hub;
}

/** A client: what {@link connect} answers. */
export class Ackd {
  readonly #tab = randomName();
  readonly #parts: AckdParts;
  readonly #handlers: Handlers = {
    message: new Set(), sent: new Set(), state: new Set(), identity: new Set(), lost: new Set(), stopped: new Set(),
    leads: new Set(),
  };
  readonly #rooms = new Map<string, Room>();
  readonly #watches = new Set<Watch>();
  /** Sends of this page that may come further. */
  readonly #sents = new Map<string, Sent>();
  readonly #signals = new Set<string>();
  /** Which messages this tab has seen. */
  readonly #recent = new Recent();
  #hub: Hub | undefined;
  #state: State = "connecting";
  #id: string | undefined;
  #leads = false;
  #toKeep: Outgoing[] = [];
  #keeping: Promise<void> | undefined;
  /** Handlers run one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #known!: (id: string) => void;
  /** The ID, once it is known. */
  readonly ready: Promise<string>;

  /** @internal */
  constructor(parts: AckdParts) {
    this.#parts = parts;
    this.ready = new Promise((resolve) => (this.#known = resolve));
    void this.#start();
  }

  /** Who this is, once that is known. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Whether it is connected. */
  get state(): State {
    return this.#state;
  }

  /** Whether this tab holds the connection of all tabs. */
  get leads(): boolean {
    return this.#leads;
  }

  /**
   * Sends to an identity. It is kept on this device until the server keeps it: over reloads, crashes and days without
   * a network, in order, once.
   *
   * @param body - a JSON value, or bytes
   */
  send(to: string, body: unknown, options: SendOptions = {}): Sent {
    return this.#send({ to }, body, options);
  }

  /** Calls `handler` whenever this happens, one after the other. Answers a function that ends it. */
  on<E extends keyof Events>(event: E, handler: (value: Events[E]) => unknown): () => void {
    this.#handlers[event].add(handler);
    if (event === "message") this.#say();
    return () => this.#handlers[event].delete(handler);
  }

  /** Joins a room; the same object for the same name. */
  room(name: string, options: RoomOptions = {}): Room {
    let room = this.#rooms.get(name);
    if (!room) {
      room = new Room(name, options, {
        send: (of, body, sendOptions) => this.#send({ room: of }, body, sendOptions),
        presence: (of, changed) => this.#watch({ room: of }, changed),
        heard: () => {
          this.#say();
        },
        leave: (left) => {
          this.#rooms.delete(left.name);
          this.#say();
          this.#hub?.ask({ ask: "leave", room: left.name });
        },
      });
      this.#rooms.set(name, room);
    }
    room.options = { ...room.options, ...options };
    this.#say();
    return room;
  }

  /** Tells who of these is connected, now and whenever it changes. */
  presence(ids: readonly string[], changed: (change: PresenceChange) => void = () => undefined): Watch {
    return this.#watch({ ids }, changed);
  }

  /** Goes offline, in all tabs, until {@link resume}. What is sent is kept. */
  pause(): void {
    this.#pause(true);
  }

  /** Comes back after {@link pause}. */
  resume(): void {
    this.#pause(false);
  }

  /** Connects at once, or looks whether the connection lives: the network is back, or somebody looks. */
  wake(): void {
    this.#hub?.wake();
  }

  /** This tab leaves; another one takes the connection over. What is unanswered stays on this device. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    await this.#keeping;
    await this.#started;
    this.#hub?.ask({ ask: "bye", tab: this.#tab });
    await this.#hub?.close();
    this.#setState("closed");
    await (await this.#parts.store).close();
  }

  // --- To the leader ---

  #started: Promise<void> = Promise.resolve();

  async #start(): Promise<void> {
    this.#started = (async () => {
      const store = await this.#parts.store;
      this.#hub = this.#parts.makeHub(store, {
        hear: (news) => this.#hear(news),
        isPaused: () => this.#state === "paused",
        leads: (leads) => {
          this.#leads = leads;
          void this.#emit("leads", leads);
        },
      });
      this.#say();
    })();
    await this.#started;
  }

  /** Says what this tab wants. */
  #say(): void {
    const rooms = [...this.#rooms.values()].map(({ name, options: { durable = false, from } }) => ({
      room: name, durable, ...(from === undefined || !durable ? {} : { from }),
    }));
    const ids = [...this.#watches].flatMap((watch) => watch.ids ?? []);
    const watchedRooms = [...this.#watches].flatMap((watch) => watch.room ?? []);
    this.#hub?.ask({ ask: "wants", tab: this.#tab, wants: { rooms, ids, watchedRooms } });
  }

  #watch(whom: { ids: readonly string[] } | { room: string }, changed: (change: PresenceChange) => void): Watch {
    const watch = new Watch(whom, changed, (ended) => {
      this.#watches.delete(ended);
      this.#say();
    });
    this.#watches.add(watch);
    this.#say();
    return watch;
  }

  #pause(paused: boolean): void {
    if (this.#hub) this.#hub.ask({ ask: "pause", paused });
    else this.#state = paused ? "paused" : "connecting";
  }

  #send(target: Target, body: unknown, options: SendOptions): Sent {
    const { outgoing, hasReceipt } = outgoingOf(target, body, options);
    const sent = new Sent(outgoing.ref, hasReceipt);
    this.#sents.set(outgoing.ref, sent);
    if (SENTS_MAX < this.#sents.size) {
      for (const oldest of this.#sents.keys()) {
        this.#sents.delete(oldest);
        break;
      }
    }
    if (this.#state === "closed") this.#refuse(outgoing, "closed", "the client is closed");
    else if (options.persist === "never") this.#signal(outgoing);
    else if (this.#parts.outboxLimit <= this.#toKeep.length) this.#refuseFull(outgoing);
    else {
      this.#toKeep.push(outgoing);
      this.#keeping ??= this.#keep();
    }
    return sent;
  }

  #signal(outgoing: Outgoing): void {
    if (!this.#hub) {
      this.#refuse(outgoing, "offline", "there is no connection yet, and a signal is not kept");
      return;
    }
    this.#signals.add(outgoing.ref);
    this.#hub.ask({ ask: "signal", outgoing });
  }

  /** Writes down what was sent, in order, before anybody is told to say it. */
  async #keep(): Promise<void> {
    const store = await this.#parts.store;
    while (this.#toKeep.length !== 0) {
      const sends = this.#toKeep.splice(0, KEEP_MAX);
      try {
        const taken = await store.add(sends, this.#parts.outboxLimit);
        for (const { ref, to, room } of sends.slice(0, taken)) {
          this.#sents.get(ref)?.kept();
          const target = { ...(to === undefined ? {} : { to }), ...(room === undefined ? {} : { room }) };
          void this.#emit("sent", { ref, state: "queued", ...target });
        }
        for (const outgoing of sends.slice(taken)) this.#refuseFull(outgoing);
      } catch (error) {
        for (const outgoing of sends) this.#refuse(outgoing, "storage", `it cannot be kept on this device: ${String(error)}`);
      }
      this.#hub?.ask({ ask: "queued" });
    }
    this.#keeping = undefined;
  }

  #refuseFull(outgoing: Outgoing): void {
    this.#refuse(outgoing, "outbox_full", `${String(this.#parts.outboxLimit)} sends wait on this device already`);
  }

  #refuse({ ref }: Outgoing, code: string, message: string): void {
    void this.#changed({ ref, state: "refused", error: new AckdError(code, message) });
  }

  // --- From the leader ---

  async #hear(news: News): Promise<void> {
    switch (news.tell) {
      case "leader":
        this.#say();
        for (const ref of this.#signals) this.#refuse({ ref, text: "" }, "offline", "the connection went away");
        break;
      case "state":
        this.#id = news.id ?? this.#id;
        this.#setState(news.state);
        break;
      case "identity":
        this.#id = news.id;
        this.#known(news.id);
        await this.#emit("identity", { id: news.id, isNew: news.isNew, reason: news.reason });
        break;
      case "sent": {
        const { error, ...change } = news.change;
        await this.#changed({ ...change, ...(error ? { error: revive(error) } : {}) });
        break;
      }
      case "deliver":
        if (news.frame.op === "message") this.#deliver(news.frame);
        else if (news.frame.op === "lost") await this.#emit("lost", lostOf(news.frame));
        else if (news.frame.ref !== undefined) {
          const { ref, state, of, to } = news.frame;
          await this.#changed({ ref, state, id: of, to });
        }
        break;
      case "signal":
        this.#inTurn(() => this.#handle(news.frame));
        break;
      case "joined":
        this.#rooms.get(news.room)?.answered(news.members, news.error && revive(news.error));
        break;
      case "presence":
        for (const watch of this.#watches) watch.hear(news.change);
        break;
      case "stopped":
        await this.#emit("stopped", revive(news.error));
        break;
      case "alive":
        break;
    }
  }

  #setState(state: State): void {
    if (this.#id !== undefined) this.#known(this.#id);
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    void this.#emit("state", state);
  }

  async #changed(change: SentChange): Promise<void> {
    this.#signals.delete(change.ref);
    const sent = this.#sents.get(change.ref);
    if (sent && !sent.change(change)) return;
    if (sent && change.state !== "accepted" && change.state !== "archived") this.#sents.delete(change.ref);
    await this.#emit("sent", change);
  }

  /** Each message is handed over once in this tab, unless its handler failed. */
  #deliver(frame: MessageFrame): void {
    const known = this.#recent.deliver(frame.id);
    if (known === "done") this.#verdict(frame.id, true); // whoever led before may not have heard it
    if (known !== undefined) return;
    if (this.#handlersOf(frame).length === 0) {
      this.#recent.set(frame.id, "wanted"); // for another tab, or for a handler that is still to come
      return;
    }
    this.#inTurn(async () => {
      const ok = await this.#handle(frame);
      this.#recent.set(frame.id, ok ? "done" : "wanted");
      this.#verdict(frame.id, ok);
    });
  }

  #verdict(id: string, ok: boolean): void {
    if (this.#state !== "closed") this.#hub?.ask({ ask: "verdict", id, ok });
  }

  #inTurn(work: () => Promise<unknown>): void {
    this.#turn = this.#turn.then(async () => {
      if (this.#state !== "closed") await work();
    });
  }

  async #handle(frame: MessageFrame): Promise<boolean> {
    const message = messageOf(frame);
    try {
      for (const handler of this.#handlersOf(frame)) await handler(message);
      return true;
    } catch (error) {
      console.error("ackd: a handler failed with a message; it comes again", frame.id, error);
      return false;
    }
  }

  #handlersOf({ room }: MessageFrame): ((message: Message) => unknown)[] {
    const ofRoom = room === undefined ? undefined : this.#rooms.get(room)?.handlers;
    return [...this.#handlers.message, ...(ofRoom ?? [])];
  }

  /** Calls all handlers; one that fails is none of the others' business. */
  async #emit<E extends keyof Events>(event: E, value: Events[E]): Promise<void> {
    for (const handler of [...this.#handlers[event]]) {
      try {
        await handler(value);
      } catch (error) {
        console.error(`ackd: a handler of \`${event}\` failed`, error);
      }
    }
  }
}

function revive({ code, message, retryAfterMs }: PlainError): AckdError {
  return new AckdError(code, message, retryAfterMs);
}

/** Sends of which this page waits for more. Of older ones only the events tell. */
const SENTS_MAX = 20_000;
/** Sends that are written down together. */
const KEEP_MAX = 256;

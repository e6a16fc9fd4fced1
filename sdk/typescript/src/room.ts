import { AckdError } from "./error.js";
import type { Message } from "./message.js";
import type { SendOptions } from "./options.js";
import type { Sent } from "./sent.js";
import type { PresenceChange } from "./session/effect.js";
import type { Watch } from "./watch.js";

/** How a room is joined. */
export interface RoomOptions {
  /** Stay a member while away, and get what is missed. */
  durable?: boolean;
  /** Durable rooms: the first `seq` that a new member reads; 1 for all that is kept. Default: from now on. */
  from?: number;
}

/** The answer to a join. */
export interface Joined {
  /** How many identities are in the room: now, or for good. */
  members: number;
}

/** What a room asks of its client. @internal */
export interface RoomClient {
  send(room: string, body: unknown, options: SendOptions): Sent;
  presence(room: string, changed: (change: PresenceChange) => void): Watch;
  heard(): void;
  leave(room: Room): void;
}

/** A room that this client is in; it is joined again after every reconnect. */
export class Room {
  /** As the others know it. */
  readonly name: string;
  /** Resolves when the room is joined for the first time. */
  readonly joined: Promise<Joined>;
  /** @internal */
  readonly handlers = new Set<(message: Message) => unknown>();
  /** @internal */
  options: RoomOptions;
  readonly #client: RoomClient;
  #resolve!: (joined: Joined) => void;
  #reject!: (error: AckdError) => void;

  /** @internal */
  constructor(name: string, options: RoomOptions, client: RoomClient) {
    this.name = name;
    this.options = options;
    this.#client = client;
    this.joined = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.joined.catch(() => undefined);
  }

  /** Sends to everybody else in the room. There are no receipts in rooms. */
  send(body: unknown, options: SendOptions = {}): Sent {
    return this.#client.send(this.name, body, options);
  }

  /** Calls `handler` with this room's messages; see {@link Ackd.on}. Answers a function that ends it. */
  on(_event: "message", handler: (message: Message) => unknown): () => void {
    this.handlers.add(handler);
    this.#client.heard();
    return () => this.handlers.delete(handler);
  }

  /** Tells who of its members comes and goes. */
  presence(changed: (change: PresenceChange) => void): Watch {
    return this.#client.presence(this.name, changed);
  }

  /** Leaves it, for good if it is durable. */
  leave(): void {
    this.#client.leave(this);
  }

  /** @internal */
  answered(members: number | undefined, error: AckdError | undefined): void {
    if (error) this.#reject(error);
    else this.#resolve({ members: members ?? 0 });
  }
}

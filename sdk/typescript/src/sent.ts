import { AckdError } from "./error.js";
import type { SendState, SentChange } from "./session/effect.js";

/** The server keeps it. */
export interface Accepted {
  /** The message's ID. */
  id: string;
}

/** A send on its way. Promises of it that nobody waits for fail silently: `state` and `error` say the same. */
export class Sent {
  /** Made by the client, or given to `send`: names this send in every event, after a reload too. */
  readonly ref: string;
  /** It is kept on this device: it survives a reload. Rejects with `outbox_full`: wait until others are accepted. */
  readonly queued: Promise<void>;
  /** The server keeps it, and nothing but its recipient or its time ends it. Rejects when it is refused for good. */
  readonly accepted: Promise<Accepted>;
  /** Its recipient has processed it. Rejects with what became of it instead (`expired`, `dead`, `purged`). */
  readonly acked: Promise<void>;
  #state: SendState = "queued";
  #id: string | undefined;
  #error: AckdError | undefined;
  readonly #queued = new Deferred<void>();
  readonly #accepted = new Deferred<Accepted>();
  readonly #acked = new Deferred<void>();

  /** @internal */
  constructor(ref: string, hasReceipt: boolean) {
    this.ref = ref;
    this.queued = this.#queued.promise;
    this.accepted = this.#accepted.promise;
    this.acked = this.#acked.promise;
    if (!hasReceipt) this.#acked.reject(new AckdError("no_receipt", "this send has asked for no receipt"));
  }

  /** How far it has come. */
  get state(): SendState {
    return this.#state;
  }

  /** The message's ID, once it is accepted. */
  get id(): string | undefined {
    return this.#id;
  }

  /** Why it was refused. */
  get error(): AckdError | undefined {
    return this.#error;
  }

  /** @internal It is on the disk. */
  kept(): void {
    this.#queued.resolve();
  }

  /** @internal Whether this changed anything: news may come twice, and an older one after a newer one. */
  change({ state, id, error }: SentChange): boolean {
    if (RANK[state] <= RANK[this.#state]) return false;
    this.#state = state;
    this.#id = id ?? this.#id;
    this.#error = error;
    if (state === "refused") {
      const reason = error ?? new AckdError("refused", "refused");
      for (const promise of [this.#queued, this.#accepted, this.#acked]) promise.reject(reason);
      return true;
    }
    this.#queued.resolve();
    this.#accepted.resolve({ id: this.#id ?? "" });
    if (state === "acked") this.#acked.resolve();
    else if (state !== "accepted" && state !== "archived") this.#acked.reject(new AckdError(state, `the message is ${state}`));
    return true;
  }
}

const RANK: Record<SendState, number> = {
  queued: 0, accepted: 1, archived: 2, acked: 3, expired: 3, dead: 3, purged: 3, refused: 3,
};

class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: AckdError) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}

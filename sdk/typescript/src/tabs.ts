import type { News, Request } from "./channel.js";
import type { Hub, HubParts } from "./hub.js";
import type { Leader } from "./leader.js";

type Posted = { request: Request } | { news: News };

/**
 * One of several tabs. A lock of the browser says which of them leads; it is free as soon as that tab is gone. A tab
 * that the system has suspended keeps its lock and answers nothing: then a tab that somebody looks at takes the lock.
 * The store lets only the newest leader write, and the server only the newest connection send.
 */
export class Tabs implements Hub {
  readonly #parts: HubParts;
  readonly #channel: BroadcastChannel;
  #leader: Leader | undefined;
  #release: (() => void) | undefined;
  #queue = new AbortController();
  #unanswered = 0;
  #closed = false;
  readonly #watch: ReturnType<typeof setInterval>;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#channel = new BroadcastChannel(parts.name);
    this.#channel.onmessage = ({ data }: MessageEvent<Posted>) => {
      this.#receive(data);
    };
    this.#watch = setInterval(() => {
      this.#look();
    }, LOOK_MS);
    this.#queueUp(false);
  }

  ask(request: Request): void {
    if (this.#leader) this.#leader.ask(request);
    else if (!this.#closed) this.#channel.postMessage({ request } satisfies Posted);
  }

  wake(): void {
    this.#leader?.wake();
    this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#queue.abort();
    await this.#leader?.stop();
    this.#leader = undefined;
    this.#release?.();
    this.#channel.close();
  }

  #receive(posted: Posted): void {
    if ("request" in posted) {
      this.#leader?.ask(posted.request);
      return;
    }
    this.#unanswered = 0;
    // What a leader that was replaced still says is heard like anything else: each message is known by its ID.
    if (posted.news.tell !== "alive") void this.#parts.hear(posted.news);
  }

  /** Asks whether the leader lives, while somebody looks at this tab. */
  #look(): void {
    if (this.#leader || this.#closed || document.visibilityState !== "visible") {
      this.#unanswered = 0;
      return;
    }
    if (UNANSWERED_MAX <= this.#unanswered) {
      this.#unanswered = 0;
      this.#queueUp(true);
      return;
    }
    this.#unanswered += 1;
    this.ask({ ask: "alive" });
  }

  /** Waits until this tab leads, or takes the lead. */
  #queueUp(steal: boolean): void {
    this.#queue.abort();
    this.#queue = new AbortController();
    const options = steal ? { steal } : { signal: this.#queue.signal };
    const { signal } = this.#queue;
    navigator.locks.request(this.#parts.name, options, () => this.#lead()).catch(() => {
      if (signal.aborted && !this.#leader) return; // it was this tab that does not wait any more
      this.#stepDown(); // the lock was taken by another tab
    });
  }

  /** Leads until the lock is given back. */
  async #lead(): Promise<void> {
    if (this.#closed) return;
    const held = new Promise<void>((resolve) => (this.#release = resolve));
    const tell = async (news: News): Promise<void> => {
      this.#channel.postMessage({ news } satisfies Posted);
      await this.#parts.hear(news);
    };
    const leader = this.#parts.makeLeader(tell, () => {
      this.#stepDown();
    });
    this.#leader = leader;
    this.#parts.leads(true);
    await leader.start(this.#parts.isPaused());
    await held;
  }

  #stepDown(): void {
    const leader = this.#leader;
    if (this.#closed || !leader) return;
    this.#leader = undefined;
    leader.abandon();
    this.#release?.();
    this.#parts.leads(false);
    this.#queueUp(false);
  }
}

const LOOK_MS = 2_000;
const UNANSWERED_MAX = 3;

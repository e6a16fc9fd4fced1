import type { News, Request } from "./channel.js";
import type { Leader } from "./leader.js";

/** Makes the leader of this tab. */
export type MakeLeader = (tell: (news: News) => Promise<void>, deposed: () => void) => Leader;

/** What a tab needs to be one of several. */
export interface HubParts {
  /** The same for all tabs. */
  name: string;
  /** Takes news; resolves when this tab's handlers are done. */
  hear: (news: News) => Promise<void>;
  makeLeader: MakeLeader;
  /** Whether whoever leads next begins without a connection. */
  isPaused: () => boolean;
  /** This tab leads from now on, or does no more. */
  leads: (leads: boolean) => void;
}

/** The way from a tab to whoever leads. */
export interface Hub {
  ask(request: Request): void;
  /** There is a network again, or somebody looks at this tab. */
  wake(): void;
  /** This tab leaves. */
  close(): Promise<void>;
}

/** The hub of a client that is alone: it leads. */
export class Solo implements Hub {
  readonly #leader: Leader;

  constructor({ hear, makeLeader, isPaused, leads }: HubParts) {
    const taken = { code: "outbox_taken", message: "another client uses the same storage" };
    this.#leader = makeLeader(hear, () => {
      void hear({ tell: "state", state: "stopped", id: undefined });
      void hear({ tell: "stopped", error: taken });
    });
    leads(true);
    void this.#leader.start(isPaused());
  }

  ask(request: Request): void {
    this.#leader.ask(request);
  }

  wake(): void {
    this.#leader.wake();
  }

  close(): Promise<void> {
    return this.#leader.stop();
  }
}

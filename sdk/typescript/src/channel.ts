import type { Delivery, PresenceChange, SendState } from "./session/effect.js";
import type { MessageFrame, Outgoing } from "./session/frames.js";
import type { Wants } from "./session/wants.js";

/**
 * Whether the client is in. `offline`: it comes back by itself. `paused`: until `resume`. `stopped`: it does not come
 * back, the event `stopped` says why. `closed`: by `close`.
 */
export type State = "connecting" | "online" | "offline" | "paused" | "stopped" | "closed";

/** An error on its way between tabs. */
export interface PlainError {
  code: string;
  message: string;
  retryAfterMs?: number | undefined;
}

/** A change of a send on its way between tabs. */
export interface PlainChange {
  ref: string;
  state: SendState;
  id?: string;
  to?: string;
  room?: string;
  error?: PlainError;
}

/** What a tab asks of the leader. */
export type Request =
  /** A tab is there, or wants something else than before. */
  | { ask: "wants"; tab: string; wants: Wants }
  | { ask: "bye"; tab: string }
  /** There is something new in the store. */
  | { ask: "queued" }
  | { ask: "signal"; outgoing: Outgoing }
  /** What a tab's handlers made of a message. */
  | { ask: "verdict"; id: string; ok: boolean }
  | { ask: "leave"; room: string }
  | { ask: "pause"; paused: boolean }
  /** Is there a leader? */
  | { ask: "alive" };

/** What the leader tells all tabs. */
export type News =
  /** There is a new leader: say what you want. */
  | { tell: "leader" }
  | { tell: "alive" }
  | { tell: "state"; state: State; id: string | undefined }
  | { tell: "identity"; id: string; isNew: boolean; reason: IdentityReason }
  | { tell: "sent"; change: PlainChange }
  | { tell: "deliver"; frame: Delivery }
  | { tell: "signal"; frame: MessageFrame }
  | { tell: "joined"; room: string; members?: number; error?: PlainError }
  | { tell: "presence"; change: PresenceChange }
  | { tell: "stopped"; error: PlainError };

/** How a client came to its identity. `unknown_identity`: the one before has ended, or was forgotten by the server. */
export type IdentityReason = "first" | "kept" | "unknown_identity";

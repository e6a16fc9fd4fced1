import type { AckdError } from "../error.js";
import type { ConnectedFrame, LostFrame, MessageFrame, ReceiptFrame } from "./frames.js";

/** How far a send has come. The last four are final, and so is `acked`. */
export type SendState = "queued" | "accepted" | "archived" | "acked" | "expired" | "dead" | "purged" | "refused";

/** What became of a send: known by its `ref`, over reloads and in every tab. */
export interface SentChange {
  /** Of the send. */
  ref: string;
  /** How far it has come. */
  state: SendState;
  /** The message's ID, from `accepted` on. */
  id?: string;
  /** To whom it went, where that is known. */
  to?: string;
  /** To which room it went, where that is known. */
  room?: string;
  /** Why, where it is `refused`. */
  error?: AckdError;
}

/** Whether somebody is connected. */
export interface PresenceChange {
  /** Who. */
  id: string;
  /** Whether any connection of theirs is there. */
  online: boolean;
  /** The room that was watched, if it was one: then only its members are told of. */
  room?: string;
  /** When it changed, in Unix ms; missing in the first answer. */
  at?: number;
}

/** A delivery that wants a verdict: `done`, or for a message `fail`. */
export type Delivery = MessageFrame | ReceiptFrame | LostFrame;

/** What something that was heard means outside of the session. */
export type Effect =
  | { kind: "connected"; frame: ConnectedFrame }
  | { kind: "deliver"; frame: Delivery }
  /** Wants no verdict. */
  | { kind: "signal"; frame: MessageFrame }
  | { kind: "sent"; change: SentChange }
  | { kind: "joined"; room: string; members?: number; error?: AckdError }
  | { kind: "presence"; change: PresenceChange }
  /** The server knows numbers that the store does not: its next one lies behind them. */
  | { kind: "skip"; sent: number }
  /** The identity has ended: a new one and a new outbox, then come back at once. */
  | { kind: "renew" }
  /** Close, and come back after a pause. */
  | { kind: "again" }
  /** A newer connection has the outbox. */
  | { kind: "taken" }
  | { kind: "stop"; error: AckdError }
  | { kind: "warn"; text: string };

import type { Outgoing } from "./session/frames.js";
import type { Numbered as KeptSend } from "./session/outbox.js";
import type { Note as KeptNote } from "./session/reading.js";

export type { KeptNote, KeptSend, Outgoing };

/** A place in one epoch of the mailbox: all up to `acked` is processed. */
export interface KeptPosition {
  /** As the server named it; opaque. */
  epoch: string;
  /** The last `seq` that is processed. */
  acked: number;
}

/** What a store remembers besides the sends. */
export interface Kept {
  /** Grows with every leader; only the newest may change what is kept. */
  term: number;
  /** The outbox's name. */
  outbox: string;
  /** Whose outbox it is, once that is known. */
  owner: string | undefined;
  /** Of earlier deliveries, oldest first. */
  notes: KeptNote[];
  /** Up to where the mailbox is processed. */
  position: KeptPosition | undefined;
}

/** What a leader has to have remembered before it says anything more. */
export interface Changes {
  /** Numbers that are answered for good. */
  answered: number[];
  /** Of deliveries, oldest first. */
  notes: KeptNote[];
  /** The new position. */
  position: KeptPosition | undefined;
}

/**
 * Keeps sends until they are answered, and what is known of deliveries. All tabs write to one store; each method is
 * atomic among them.
 */
export interface OutboxStore {
  /** Makes the caller the leader, and tells what is kept. */
  lead(): Promise<Kept>;
  /** Numbers the sends in order and keeps them, up to `limit` in all; how many it took. */
  add(sends: Outgoing[], limit: number): Promise<number>;
  /** The next sends after number `n`, at most `count`, in order. */
  since(n: number, count: number): Promise<KeptSend[]>;
  /** Keeps what has changed. Throws {@link DeposedError} if there is a newer leader, as the two below do. */
  save(term: number, changes: Changes): Promise<void>;
  /** Says whose outbox it is, and that its next number lies behind `sent`. */
  own(term: number, owner: string, sent: number): Promise<void>;
  /** Begins a new outbox with what is unanswered, numbered from 1 on, and forgets deliveries; the outbox's name. */
  renew(term: number): Promise<string>;
  /** Nothing more will be asked of it. */
  close(): void | Promise<void>;
}

/** There is a newer leader. */
export class DeposedError extends Error {}

/** Deliveries that are remembered: as many as the session knows. */
export const NOTES_MAX = 4096;

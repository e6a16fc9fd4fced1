import type { LostFrame, MessageFrame } from "./session/frames.js";

/** A message that came. */
export interface Message {
  /** The same at every delivery: what is known by it is processed once. */
  id: string;
  /** Whoever sent it; `server` for the server's operator. */
  from: string;
  /** To whom, if to one. */
  to?: string;
  /** In which room, if in one. */
  room?: string;
  /** What was sent; `undefined` where it is `bytes`. */
  body: unknown;
  /** What was sent, where that was bytes. */
  bytes?: Uint8Array;
  /** When the server accepted it, in Unix ms. */
  at: number;
  /** From 2 on it may have been seen before. */
  attempt: number;
}

/** Messages that ended unread: their time was over, or there were too many. */
export interface Lost {
  /** The first of their places in the mailbox, or in the room. */
  from: number;
  /** The last. */
  to: number;
  /** How many they were, at most. */
  count: number;
  /** `expired`, `purged`, `dead` or `full`. */
  reason: string;
  /** Whose log it is, if a room's. */
  room?: string;
}

/** What an application gets of a frame. */
export function messageOf(frame: MessageFrame): Message {
  const { id, from, to, room, body, body_base64: base64, at, attempt } = frame;
  const bytes = base64 === undefined ? undefined : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return {
    id, from, body, at,
    attempt: attempt ?? 1,
    ...(to === undefined ? {} : { to }),
    ...(room === undefined ? {} : { room }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

/** What an application gets of a frame. */
export function lostOf({ from, to, count, reason, room }: LostFrame): Lost {
  return { from, to, count, reason, ...(room === undefined ? {} : { room }) };
}

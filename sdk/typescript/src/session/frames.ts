/** The frames of the protocol (docs/protocol.md) as far as this client says and hears them. */

/** What a server says. Times are Unix milliseconds. */
export type ServerFrame =
  | ConnectedFrame
  | { op: "accepted"; n?: number; ref?: string; id: string; dup?: boolean }
  | ErrorFrame
  | MessageFrame
  | LostFrame
  | ReceiptFrame
  | { op: "joined"; ref?: string; room: string; members: number }
  | { op: "watching"; ref?: string; present: string[] }
  | { op: "presence"; id: string; online: boolean; gen: number; at: number; room?: string }
  | { op: "goaway"; reconnect_after_ms: number; reason: string }
  | { op: "pong" };

/** The answer to `connect`. */
export interface ConnectedFrame {
  op: "connected";
  id: string;
  /** Told once, with `new`. */
  token?: string;
  new?: boolean;
  epoch: string;
  acked: number;
  /** The highest number of this outbox that the server has accepted. */
  sent: number;
  expires?: number;
  max_message: number;
  ping_interval_ms: number;
}

/** A refusal. */
export interface ErrorFrame {
  op: "error";
  n?: number;
  ref?: string;
  code: string;
  temporary?: boolean;
  retry_after_ms?: number;
  message: string;
}

/** A delivery. */
export interface MessageFrame {
  op: "message";
  /** Its place in the mailbox, or with `durable` in its room. */
  seq?: number;
  id: string;
  from: string;
  to?: string;
  room?: string;
  all?: boolean;
  body?: unknown;
  body_base64?: string;
  at: number;
  attempt?: number;
  durable?: boolean;
  live?: boolean;
  /** `false`: no ack is wanted. */
  ack?: boolean;
}

/** Messages that ended unread. */
export interface LostFrame {
  op: "lost";
  from: number;
  to: number;
  count: number;
  reason: string;
  room?: string;
}

/** What became of a message that was sent with `receipt`. */
export interface ReceiptFrame {
  op: "receipt";
  seq: number;
  id: string;
  of: string;
  ref?: string;
  n?: number;
  to: string;
  state: "archived" | "acked" | "expired" | "dead" | "purged";
  at: number;
}

/** What is not known is passed over, what is known and cannot be read means that the other side is no ackd. */
export class UnreadableError extends Error {}

type Check = "string" | "number" | "boolean" | "names";

/** The fields that each frame must have. A field with `?` may be missing, never be something else. */
const FIELDS: Record<ServerFrame["op"], Record<string, Check>> = {
  connected: {
    id: "string", "token?": "string", epoch: "string", acked: "number", sent: "number", max_message: "number",
    ping_interval_ms: "number", "expires?": "number",
  },
  accepted: { id: "string", "n?": "number", "ref?": "string" },
  error: { code: "string", message: "string", "n?": "number", "ref?": "string", "retry_after_ms?": "number" },
  message: {
    id: "string", from: "string", at: "number", "seq?": "number", "room?": "string", "to?": "string", "ack?": "boolean",
    "live?": "boolean", "durable?": "boolean", "attempt?": "number", "body_base64?": "string",
  },
  lost: { from: "number", to: "number", count: "number", reason: "string", "room?": "string" },
  receipt: { seq: "number", id: "string", of: "string", to: "string", state: "string", at: "number", "ref?": "string" },
  joined: { room: "string", members: "number" },
  watching: { present: "names", "ref?": "string" },
  presence: { id: "string", online: "boolean", gen: "number", at: "number", "room?": "string" },
  goaway: { reconnect_after_ms: "number" },
  pong: {},
};

const NAME = /^[\w.~@+:-]{1,128}$/;

/**
 * The frames of one WebSocket message.
 *
 * @throws UnreadableError where a frame of a known op cannot be read.
 */
export function readFrames(text: string): ServerFrame[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableError("not JSON");
  }
  const frames: unknown[] = Array.isArray(value) ? value : [value];
  return frames.filter(isKnown);
}

function isKnown(value: unknown): value is ServerFrame {
  if (typeof value !== "object" || value === null) throw new UnreadableError("a frame is no object");
  const frame = value as Record<string, unknown>;
  const op = frame["op"];
  if (typeof op !== "string") throw new UnreadableError("`op` is missing");
  if (!Object.hasOwn(FIELDS, op)) return false;
  for (const [field, check] of Object.entries(FIELDS[op as ServerFrame["op"]])) {
    const name = field.replace("?", "");
    const missing = frame[name] === undefined || frame[name] === null;
    if (missing ? name === field : !holds(frame[name], check)) throw new UnreadableError(`\`${op}.${name}\``);
  }
  if (!makesSense(frame as unknown as ServerFrame)) throw new UnreadableError(`\`${op}\` contradicts itself`);
  return true;
}

function holds(value: unknown, check: Check): boolean {
  if (check === "number") return Number.isSafeInteger(value) && 0 <= (value as number);
  return check === "names" ? Array.isArray(value) && value.every((item) => typeof item === "string") : typeof value === check;
}

/** What a type alone does not say. */
function makesSense(frame: ServerFrame): boolean {
  if (frame.op === "lost") return frame.from <= frame.to;
  if (frame.op !== "message") return true;
  return NAME.test(frame.from) && (frame.live === true) === (frame.seq === undefined);
}

/** What this client says. */
export type ClientFrame = { op: string } & Record<string, unknown>;

/** A send as it is kept: everything of its frame but the number, as JSON text without the braces. */
export interface Outgoing {
  /** Made by the client; comes back in every answer, and in receipts. */
  ref: string;
  /** The rest of the frame: `"to":"…","body":…`. */
  text: string;
  /** To whom, if to one. */
  to?: string;
  /** To which room, if to one. */
  room?: string;
}

/** The frame of a send, as text. The body is passed on as it was written. */
export function sendFrame(n: number | undefined, outgoing: Outgoing): string {
  const number = n === undefined ? "" : `"n":${String(n)},`;
  return `{"op":"send","ref":${JSON.stringify(outgoing.ref)},${number}${outgoing.text}}`;
}

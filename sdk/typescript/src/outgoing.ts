import { AckdError } from "./error.js";
import type { SendOptions } from "./options.js";
import { randomName } from "./random.js";
import type { Outgoing } from "./session/frames.js";
import { RESERVED_REF } from "./session/wants.js";

/** To one identity, or to a room. */
export type Target = { to: string } | { room: string };

/**
 * Writes a send down as it will be said. Later changes of `body` change nothing.
 *
 * @throws AckdError `bad_frame` where it can never be sent.
 */
export function outgoingOf(target: Target, body: unknown, options: SendOptions): { outgoing: Outgoing; hasReceipt: boolean } {
  const hasReceipt = "to" in target && options.persist !== "never" && (options.receipt ?? true);
  const ref = options.ref ?? randomName();
  if (ref.startsWith(RESERVED_REF) || 64 < ref.length) throw new AckdError("bad_frame", `\`${ref}\` cannot be a ref`);
  const fields = {
    ...target,
    ...(options.ttlMs === undefined ? {} : { ttl_ms: options.ttlMs }),
    ...(options.persist === undefined ? {} : { persist: options.persist }),
    ...(hasReceipt ? { receipt: true } : {}),
  };
  const text = `${JSON.stringify(fields).slice(1, -1)},${bodyText(body)}`;
  return { outgoing: { ...target, ref, text }, hasReceipt };
}

function bodyText(body: unknown): string {
  if (body instanceof Uint8Array) {
    const chars = Array.from(body, (byte) => String.fromCharCode(byte));
    return `"body_base64":"${btoa(chars.join(""))}"`;
  }
  const text = JSON.stringify(body) as string | undefined;
  if (text === undefined) throw new AckdError("bad_frame", "the body is no JSON value");
  return `"body":${text}`;
}

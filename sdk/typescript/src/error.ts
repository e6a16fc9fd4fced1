/**
 * Why something did not come to pass. From the server: the codes of the protocol. From this client: `outbox_full`,
 * `too_large`, `offline` (a signal without a connection), `no_receipt` (none was asked for), `storage` (this device
 * cannot keep it), `closed` (the connection ended with a code that says stop), `acked` states `expired`, `dead`,
 * `purged`.
 */
export class AckdError extends Error {
  /** For programs; the message is for people. */
  readonly code: string;
  /** After how many milliseconds a new send may succeed, where the server said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "AckdError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Up to where the mailbox is processed: what `connect` says of it. Pure. */
export class Position {
  #epoch: string | undefined;
  #acked: number;
  /** Smallest and largest place whose `reject` the server may not have heard: an ack from there on would undo it. */
  #rejected: [number, number] | undefined;

  constructor(epoch?: string, acked = 0) {
    this.#epoch = epoch;
    this.#acked = acked;
  }

  /** The epoch, and up to where in it all is processed. */
  known(): { epoch: string; acked: number } | undefined {
    if (this.#epoch === undefined) return undefined;
    const before = this.#rejected ? this.#rejected[0] - 1 : this.#acked;
    return { epoch: this.#epoch, acked: Math.min(this.#acked, before) };
  }

  /** The server said where the mailbox stands; whether this is another epoch than before. */
  connected(epoch: string, acked: number): boolean {
    if (this.#epoch !== epoch) {
      [this.#epoch, this.#acked, this.#rejected] = [epoch, acked, undefined];
      return true;
    }
    this.#acked = Math.max(this.#acked, acked);
    if (this.#rejected) {
      const [first, last] = this.#rejected;
      this.#rejected = last <= acked ? undefined : [Math.max(first, acked + 1), last];
    }
    return false;
  }

  /** All up to here is processed. */
  acked(seq: number): void {
    this.#acked = Math.max(this.#acked, seq);
  }

  /** The message at this place is rejected. */
  rejected(seq: number): void {
    const [first, last] = this.#rejected ?? [seq, seq];
    this.#rejected = [Math.min(first, seq), Math.max(last, seq)];
  }
}

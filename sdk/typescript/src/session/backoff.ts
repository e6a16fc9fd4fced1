/** Pauses between attempts to connect: exponential, with full jitter. Pure: randomness is a parameter. */
export class Backoff {
  #failures = 0;

  /**
   * An attempt failed: the pause in ms before the next one, evenly spread between nothing and a bound that doubles
   * from 500 ms to 30 s.
   *
   * @param random - in [0, 1)
   */
  pause(random: number): number {
    const bound = Math.min(FIRST_MS * 2 ** Math.min(this.#failures, 16), MOST_MS);
    this.#failures += 1;
    return Math.floor(random * (bound + 1));
  }

  /** A connection has proved good. */
  reset(): void {
    this.#failures = 0;
  }
}

const FIRST_MS = 500;
const MOST_MS = 30_000;

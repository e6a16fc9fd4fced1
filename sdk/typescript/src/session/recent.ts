/** How far a delivery has come: given back by the application, in its hands, processed, or rejected. */
export type Known = "wanted" | "handed" | "done" | "rejected";

/** What is known of one delivery. */
export interface Entry {
  state: Known;
  /** How often the application has failed with it. */
  failures: number;
}

/** Which deliveries were handed over lately, and what became of them, so that each is handed over once. Pure, bounded. */
export class Recent {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();

  /** A delivery came: what was known of it. `undefined`: it is new, and counts as handed over from now on. */
  deliver(key: string): Known | undefined {
    const entry = this.#entries.get(key);
    if (entry && entry.state !== "wanted") return entry.state;
    this.set(key, "handed");
    return undefined;
  }

  /** What is known of a delivery changes. */
  set(key: string, state: Known, failures?: number): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      if (KEYS_MAX <= this.#entries.size) this.#forgetOne();
      entry = { state, failures: 0 };
      this.#entries.set(key, entry);
    }
    entry.state = state;
    entry.failures = failures ?? entry.failures;
    return entry;
  }

  /** What is known of a delivery. */
  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Forgets the ranges: places mean nothing in another epoch. */
  forgetRanges(): void {
    for (const key of this.#entries.keys()) {
      if (key.startsWith(RANGE)) this.#entries.delete(key);
    }
  }

  /** Forgets the oldest that the application does not hold; if it holds all, the oldest. */
  #forgetOne(): void {
    for (const [key, entry] of this.#entries) {
      if (entry.state === "handed") continue;
      this.#entries.delete(key);
      return;
    }
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

/** What the key of a `lost` begins with; no ID does. */
export const RANGE = "lost ";

/** Four of the largest windows: what a server delivers again was in a window when it was acknowledged. */
export const KEYS_MAX = 4096;

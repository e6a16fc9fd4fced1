import { randomName } from "./random.js";
import type { Outgoing } from "./session/frames.js";
import type { Numbered } from "./session/outbox.js";
import { type Changes, DeposedError, type Kept, NOTES_MAX, type OutboxStore } from "./store.js";

/** All that a store holds. */
export interface Contents extends Kept {
  /** The number of the next send. */
  next: number;
  /** In order. */
  sends: Numbered[];
}

/** A store that is gone with the page or the process. */
export class MemoryStore implements OutboxStore {
  /** What it holds. */
  protected contents: Contents;

  /** @param contents - what was held before */
  constructor(contents?: Contents) {
    this.contents = contents ?? {
      term: 0, outbox: randomName(), owner: undefined, notes: [], position: undefined, next: 1, sends: [],
    };
  }

  async lead(): Promise<Kept> {
    await this.change((contents) => (contents.term += 1));
    return { ...this.contents, notes: [...this.contents.notes] };
  }

  async add(sends: Outgoing[], limit: number): Promise<number> {
    const taken = Math.max(0, Math.min(sends.length, limit - this.contents.sends.length));
    await this.change((contents) => {
      for (const outgoing of sends.slice(0, taken)) contents.sends.push({ n: contents.next++, outgoing });
    });
    return taken;
  }

  since(n: number, count: number): Promise<Numbered[]> {
    return Promise.resolve(this.contents.sends.filter((send) => n < send.n).slice(0, Math.max(0, count)));
  }

  async save(term: number, { answered, notes, position }: Changes): Promise<void> {
    const gone = new Set(answered);
    await this.#lead(term, (contents) => {
      if (gone.size !== 0) contents.sends = contents.sends.filter((send) => !gone.has(send.n));
      contents.notes = [...contents.notes, ...notes].slice(-NOTES_MAX);
      contents.position = position;
    });
  }

  async own(term: number, owner: string, sent: number): Promise<void> {
    await this.#lead(term, (contents) => {
      contents.owner = owner;
      contents.next = Math.max(contents.next, sent + 1);
    });
  }

  async renew(term: number): Promise<string> {
    await this.#lead(term, (contents) => {
      contents.sends = contents.sends.map(({ outgoing }, index) => ({ n: index + 1, outgoing }));
      contents.next = contents.sends.length + 1;
      [contents.outbox, contents.owner, contents.notes, contents.position] = [randomName(), undefined, [], undefined];
    });
    return this.contents.outbox;
  }

  close(): Promise<void> {
    return Promise.resolve(); // nothing is open
  }

  /** Changes what it holds, and has it written where there is somewhere to write to. */
  protected change(change: (contents: Contents) => void): Promise<void> {
    change(this.contents);
    return Promise.resolve();
  }

  async #lead(term: number, change: (contents: Contents) => void): Promise<void> {
    if (term !== this.contents.term) throw new DeposedError();
    await this.change(change);
  }
}

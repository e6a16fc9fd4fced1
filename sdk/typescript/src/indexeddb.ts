import { randomName } from "./random.js";
import type { Outgoing } from "./session/frames.js";
import type { Numbered } from "./session/outbox.js";
import type { Note } from "./session/reading.js";
import { type Changes, DeposedError, type Kept, type KeptPosition, NOTES_MAX, type OutboxStore } from "./store.js";

interface Meta {
  term: number;
  outbox: string;
  owner: string | undefined;
  position: KeptPosition | undefined;
  /** The number of the next send. */
  next: number;
  /** Counts the notes: their keys. */
  noted: number;
}

/** The store of a browser: all tabs of an origin share it, and a transaction of one keeps the others out. */
export class IndexedDbStore implements OutboxStore {
  readonly #db: IDBDatabase;

  private constructor(db: IDBDatabase) {
    this.#db = db;
    // Whoever deletes the database is not held up.
    db.onversionchange = () => db.close();
  }

  /** Opens the database of this name; it is made if there is none. */
  static async open(name: string): Promise<IndexedDbStore> {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      for (const store of STORES) opening.result.createObjectStore(store);
    };
    return new IndexedDbStore(await done(opening));
  }

  async lead(): Promise<Kept> {
    return this.#change(async (stores, meta) => {
      meta.term += 1;
      const notes = (await done(stores("notes").getAll())) as Note[];
      return { ...meta, notes };
    });
  }

  async add(sends: Outgoing[], limit: number): Promise<number> {
    return this.#change(async (stores, meta) => {
      const kept = await done(stores("sends").count());
      const taken = Math.max(0, Math.min(sends.length, limit - kept));
      for (const outgoing of sends.slice(0, taken)) stores("sends").put(outgoing, meta.next++);
      return taken;
    });
  }

  async since(n: number, count: number): Promise<Numbered[]> {
    if (count <= 0) return []; // 0 would mean: all of them
    const stores = this.#stores("readonly");
    const range = IDBKeyRange.lowerBound(n, true);
    const keys = done(stores("sends").getAllKeys(range, count));
    const sends = (await done(stores("sends").getAll(range, count))) as Outgoing[];
    const numbers = (await keys) as number[];
    return sends.flatMap((outgoing, index) => ({ n: numbers[index] ?? 0, outgoing }));
  }

  async save(term: number, { answered, notes, position }: Changes): Promise<void> {
    await this.#lead(term, (stores, meta) => {
      for (const n of answered) stores("sends").delete(n);
      for (const note of notes) stores("notes").put(note, ++meta.noted);
      if (NOTES_MAX < meta.noted) stores("notes").delete(IDBKeyRange.upperBound(meta.noted - NOTES_MAX));
      meta.position = position;
    });
  }

  async own(term: number, owner: string, sent: number): Promise<void> {
    await this.#lead(term, (_, meta) => {
      meta.owner = owner;
      meta.next = Math.max(meta.next, sent + 1);
    });
  }

  async renew(term: number): Promise<string> {
    return this.#lead(term, async (stores, meta) => {
      const sends = (await done(stores("sends").getAll())) as Outgoing[];
      stores("sends").clear();
      stores("notes").clear();
      sends.forEach((outgoing, index) => stores("sends").put(outgoing, index + 1));
      Object.assign(meta, { ...newMeta(), term: meta.term, next: sends.length + 1 });
      return meta.outbox;
    });
  }

  close(): void {
    this.#db.close();
  }

  #lead<T>(term: number, change: (stores: Stores, meta: Meta) => T | Promise<T>): Promise<T> {
    return this.#change((stores, meta) => {
      if (meta.term !== term) throw new DeposedError();
      return change(stores, meta);
    });
  }

  /** One transaction: on the disk when the promise resolves, undone when `change` throws. */
  async #change<T>(change: (stores: Stores, meta: Meta) => T | Promise<T>): Promise<T> {
    let transaction: IDBTransaction | undefined;
    const stores = this.#stores("readwrite", (begun) => (transaction = begun));
    const ended = new Promise<void>((resolve, reject) => {
      if (!transaction) return;
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction?.error ?? new Error("aborted"));
    });
    try {
      const meta = ((await done(stores("meta").get(META))) as Meta | undefined) ?? newMeta();
      const result = await change(stores, meta);
      stores("meta").put(meta, META);
      await ended;
      return result;
    } catch (error) {
      ended.catch(() => undefined);
      try {
        transaction?.abort();
      } catch {
        // It has ended by itself.
      }
      throw error;
    }
  }

  #stores(mode: IDBTransactionMode, begun?: (transaction: IDBTransaction) => void): Stores {
    // A number that was given and forgotten would be given again: what is written must survive a power cut.
    const transaction = this.#db.transaction(STORES, mode, { durability: "strict" });
    begun?.(transaction);
    return (name) => transaction.objectStore(name);
  }
}

type Stores = (name: (typeof STORES)[number]) => IDBObjectStore;

const STORES = ["meta", "sends", "notes"] as const;
const META = "meta";

function newMeta(): Meta {
  return { term: 0, outbox: randomName(), owner: undefined, position: undefined, next: 1, noted: 0 };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the database failed"));
  });
}

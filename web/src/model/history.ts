// What was written and what came, in IndexedDB: messages wait on the server until they are here.

/** What has become of an own message; `unsent` until it is in the outbox. */
export type State = "unsent" | "queued" | "accepted" | "archived" | "acked" | "expired" | "dead" | "purged" | "refused";

export interface Row {
  /** Its place in this browser's history; given when it is stored. */
  place?: number;
  /** The message's ID, or the `ref` of an own one: known once, however often it comes. */
  key: string;
  talk: string;
  mine: boolean;
  from: string;
  name?: string;
  text: string;
  at: number;
  state?: State;
  why?: string;
}

export interface Talk {
  /** `p:` and an ID, or `r:` and a room's name. */
  key: string;
  id: string;
  kind: "person" | "room";
  durable?: boolean;
  name?: string;
  unread: number;
  last: string;
  at: number;
}

/** Later states are never overwritten by earlier ones, in whatever order tabs tell of them. */
const RANK: Record<State, number> = { unsent: 0, queued: 1, accepted: 2, archived: 3, acked: 4, expired: 4, dead: 4, purged: 4, refused: 4 };

const NEWEST = Number.MAX_SAFE_INTEGER;

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(transaction.error ?? new Error("the browser's storage failed"));
    transaction.oncomplete = () => resolve();
    transaction.onerror = fail;
    transaction.onabort = fail;
  });
}

export class History {
  private constructor(private readonly db: IDBDatabase) {}

  static async open(name: string): Promise<History> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      const rows = request.result.createObjectStore("rows", { keyPath: "place", autoIncrement: true });
      rows.createIndex("key", "key", { unique: true });
      rows.createIndex("talk", ["talk", "place"]);
      rows.createIndex("state", "state");
      request.result.createObjectStore("talks", { keyPath: "key" });
    };
    return new History(await answer(request));
  }

  talks(): Promise<Talk[]> {
    return answer(this.db.transaction("talks").objectStore("talks").getAll() as IDBRequest<Talk[]>);
  }

  /** Changes a conversation, or begins it with what `change` makes of nothing. */
  async talk(key: string, change: (known: Talk | undefined) => Talk): Promise<Talk> {
    const transaction = this.db.transaction("talks", "readwrite");
    const store = transaction.objectStore("talks");
    const talk = change(await answer(store.get(key) as IDBRequest<Talk | undefined>));
    store.put(talk);
    await done(transaction);
    return talk;
  }

  /** Stores a row and its conversation's last line together. `undefined`: it is known already. */
  async add(row: Row, change: (known: Talk | undefined) => Talk): Promise<{ row: Row; talk: Talk } | undefined> {
    const transaction = this.db.transaction(["rows", "talks"], "readwrite");
    const rows = transaction.objectStore("rows");
    const talks = transaction.objectStore("talks");
    const [known, before] = await Promise.all([
      answer(rows.index("key").getKey(row.key)),
      answer(talks.get(row.talk) as IDBRequest<Talk | undefined>),
    ]);
    if (known !== undefined) return undefined;
    const talk = change(before);
    const added = rows.add(row);
    talks.put(talk);
    await done(transaction);
    return { row: { ...row, place: added.result as number }, talk };
  }

  /** Notes what has become of an own message; answers it as it is now. `undefined`: it is not in this history. */
  async mark(key: string, state: State, why?: string): Promise<Row | undefined> {
    const transaction = this.db.transaction("rows", "readwrite");
    const store = transaction.objectStore("rows");
    const row = await answer(store.index("key").get(key) as IDBRequest<Row | undefined>);
    // Another tab may have been quicker.
    if (!row || RANK[state] <= RANK[row.state ?? "unsent"]) return row;
    const marked: Row = { ...row, state, ...(why ? { why } : {}) };
    store.put(marked);
    await done(transaction);
    return marked;
  }

  /** Takes out a row that was never sent. */
  async remove(place: number): Promise<void> {
    const transaction = this.db.transaction("rows", "readwrite");
    transaction.objectStore("rows").delete(place);
    await done(transaction);
  }

  /** How many own messages are in this state. */
  count(state: State): Promise<number> {
    return answer(this.db.transaction("rows").objectStore("rows").index("state").count(state));
  }

  /** The rows of a conversation before (or, `"next"`, from) a place, oldest first, at most `count`. */
  page(talk: string, count: number, end = NEWEST, direction: "prev" | "next" = "prev"): Promise<Row[]> {
    const index = this.db.transaction("rows").objectStore("rows").index("talk");
    const range =
      direction === "prev"
        ? IDBKeyRange.bound([talk, 0], [talk, end], false, true)
        : IDBKeyRange.bound([talk, end], [talk, NEWEST], true, false);
    const found: Row[] = [];
    return new Promise((resolve, reject) => {
      const request = index.openCursor(range, direction);
      request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor || found.push(cursor.value as Row) === count) {
          resolve(direction === "prev" ? found.reverse() : found);
        } else {
          cursor.continue();
        }
      };
    });
  }
}

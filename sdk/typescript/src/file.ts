/**
 * `ackd/file`: what a browser has in local storage and IndexedDB, a process of Node, Deno or Bun has in two files.
 * One process at a time uses them.
 *
 * @module
 */
import { open, readFile, rename, rm } from "node:fs/promises";

import { type Identity, type IdentityStore, readIdentity } from "./identity.js";
import { type Contents, MemoryStore } from "./memory.js";
import type { OutboxStore } from "./store.js";

/** Keeps the identity in a file that only its owner may read. */
export function fileIdentity(path: string): IdentityStore {
  return {
    load: async () => readIdentity((await read(path)) ?? ""),
    save: (identity: Identity) => replace(path, JSON.stringify(identity)),
    clear: () => rm(path, { force: true }),
  };
}

/** Keeps the outbox in a file; it is replaced as a whole and synced with every change. */
export async function fileStore(path: string): Promise<OutboxStore> {
  const text = await read(path);
  return new FileStore(path, text === undefined ? undefined : (JSON.parse(text) as Contents));
}

class FileStore extends MemoryStore {
  readonly #path: string;
  #changed: { written: Promise<void> } | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string, contents: Contents | undefined) {
    super(contents);
    this.#path = path;
  }

  /** Resolves when the file is as it stays. */
  override async close(): Promise<void> {
    await this.#writing;
  }

  /** Changes that come while the file is being written are written together, next. */
  protected override change(change: (contents: Contents) => void): Promise<void> {
    change(this.contents);
    if (!this.#changed) {
      const write = async (): Promise<void> => {
        this.#changed = undefined;
        await replace(this.#path, JSON.stringify(this.contents));
      };
      this.#writing = this.#writing.then(write, write);
      this.#changed = { written: this.#writing };
    }
    return this.#changed.written;
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

import "fake-indexeddb/auto";

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { fileStore } from "../../src/file.js";
import { IndexedDbStore } from "../../src/indexeddb.js";
import { MemoryStore } from "../../src/memory.js";
import { randomName } from "../../src/random.js";
import { DeposedError, NOTES_MAX, type OutboxStore } from "../../src/store.js";

const path = join(mkdtempSync(join(tmpdir(), "ackd-store-")), "outbox.json");
const name = randomName();

const stores: [string, () => Promise<OutboxStore>, isKept: boolean][] = [
  ["memory", () => Promise.resolve(new MemoryStore()), false],
  ["file", () => fileStore(`${path}${randomName()}`), false],
  ["indexeddb", () => IndexedDbStore.open(randomName()), false],
  ["file, opened again", () => fileStore(path), true],
  ["indexeddb, opened again", () => IndexedDbStore.open(name), true],
];

const send = (ref: string): { ref: string; text: string; to: string } => ({ ref, text: `"to":"bob","body":1`, to: "bob" });
const nothing = { answered: [], notes: [], position: undefined };

async function refs(store: OutboxStore, after = 0): Promise<string[]> {
  return (await store.since(after, 100)).map(({ n, outgoing }) => `${String(n)} ${outgoing.ref}`);
}

describe.each(stores)("%s", (_, open, isKept) => {
  test("sends are numbered in order, up to the limit, and kept until they are answered", async () => {
    const store = await open();
    const { term } = await store.lead();
    expect(await store.add([send("a"), send("b")], 3)).toBe(2);
    expect(await store.add([send("c"), send("d")], 3)).toBe(1);
    expect(await refs(store)).toEqual(["1 a", "2 b", "3 c"]);
    expect((await store.since(1, 1)).map(({ n }) => n)).toEqual([2]);
    expect(await store.since(0, 0)).toEqual([]);
    await store.save(term, { answered: [1, 3], notes: [{ id: "m", state: "done", failures: 0 }], position: { epoch: "e", acked: 7 } });
    await store.own(term, "me", 9);
    expect(await store.add([send("e")], 3)).toBe(1);
    expect(await refs(store)).toEqual(["2 b", "10 e"]);
    await store.close();

    if (!isKept) return;
    const again = await open();
    const kept = await again.lead();
    expect(kept).toMatchObject({ owner: "me", position: { epoch: "e", acked: 7 }, term: term + 1 });
    expect(kept.notes.map(({ id }) => id)).toEqual(["m"]);
    expect(await refs(again)).toEqual(["2 b", "10 e"]);
    await again.close();
  });

  test("only the newest leader may write, and what it began is undone", async () => {
    const store = await open();
    const { term } = await store.lead();
    await store.add([send("x")], 100);
    const before = await refs(store);
    await store.lead();
    await expect(store.save(term, { ...nothing, answered: before.map((text) => parseInt(text)) })).rejects.toThrow(DeposedError);
    await expect(store.renew(term)).rejects.toThrow(DeposedError);
    expect(await refs(store)).toEqual(before);
    await store.close();
  });

  test("a new outbox has the same sends, numbered from 1 on, and knows nothing of deliveries", async () => {
    const store = await open();
    const { term, outbox } = await store.lead();
    await store.add([send("y"), send("z")], 100);
    const before = (await refs(store)).map((text) => text.split(" ")[1]);
    await store.own(term, "me", 50);
    const renewed = await store.renew(term);
    expect(renewed).not.toBe(outbox);
    expect(await refs(store)).toEqual(before.map((ref, index) => `${String(index + 1)} ${String(ref)}`));
    expect(await store.lead()).toMatchObject({ outbox: renewed, owner: undefined, notes: [], position: undefined });
    await store.close();
  });

  test("the memory of deliveries is bounded: the oldest go", async () => {
    const store = await open();
    const { term } = await store.lead();
    const notes = Array.from({ length: NOTES_MAX + 5 }, (_, number) => ({ id: `m${String(number)}`, state: "done" as const, failures: 0 }));
    await store.save(term, { ...nothing, notes });
    const kept = await store.lead();
    expect(kept.notes.length).toBe(NOTES_MAX);
    expect(kept.notes[0]?.id).toBe("m5");
    await store.close();
  });
});

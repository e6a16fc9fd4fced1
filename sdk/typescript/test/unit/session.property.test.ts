import { expect, test } from "vitest";

import { MemoryStore } from "../../src/memory.js";
import type { Effect } from "../../src/session/effect.js";
import { readFrames } from "../../src/session/frames.js";
import { Session } from "../../src/session/session.js";
import { chance } from "./chance.js";
import { FakeServer } from "./fake-server.js";

const SENDS = 60;
const MESSAGES = 60;

/** A client that crashes and loses connections, and keeps only what its store keeps. */
class Client {
  readonly handed: string[] = [];
  readonly processed: string[] = [];
  readonly told = new Map<string, string>();
  readonly #store = new MemoryStore();
  readonly #inHand = new Map<string, Effect & { kind: "deliver" }>();
  #session!: Session;
  #term = 0;
  #now = 0;

  async start(): Promise<void> {
    const kept = await this.#store.lead();
    this.#term = kept.term;
    this.#inHand.clear();
    this.#session = new Session({ device: "", window: 8, client: "test", ...kept });
    await this.load();
  }

  connect(): string {
    return JSON.stringify(this.#session.open({ id: "me", token: "t" }));
  }

  async send(number: number): Promise<void> {
    await this.#store.add([{ ref: `r${String(number)}`, text: `"to":"bob","body":${String(number)}` }], 1000);
  }

  async load(): Promise<void> {
    this.#session.outbox.add(await this.#store.since(this.#session.outbox.last, 16));
  }

  hear(text: string): void {
    for (const frame of readFrames(text)) {
      for (const effect of this.#session.read(frame, this.#now)) {
        if (effect.kind === "sent") {
          expect(this.told.get(effect.change.ref) ?? "accepted").toBe(effect.change.state);
          this.told.set(effect.change.ref, effect.change.state);
        } else if (effect.kind === "deliver" && effect.frame.op === "message") {
          expect(this.#inHand.has(effect.frame.id), "handed over while a handler has it").toBe(false);
          this.#inHand.set(effect.frame.id, effect);
        } else expect(["connected", "skip"]).toContain(effect.kind);
      }
    }
  }

  /** Some handlers end: well, or not. Messages whose number ends with 7 can never be processed. */
  handle(random: () => number): void {
    for (const [id, { frame }] of this.#inHand) {
      if (random() < 0.5) continue;
      this.#inHand.delete(id);
      if (id.endsWith("7") || random() < 0.1) this.#session.fail(id, 4);
      else {
        this.processed.push(id);
        this.#session.done(frame);
      }
    }
  }

  /** What is to be said, after it is remembered; `undefined`: it crashed in between. */
  async take(crash: boolean): Promise<string[] | undefined> {
    this.#now += 40_000;
    const { due } = this.#session.take(this.#now);
    await this.#store.save(this.#term, due);
    return crash ? undefined : due.frames;
  }
}

async function run(seed: number): Promise<void> {
  const random = chance(seed);
  const server = new FakeServer(random);
  const client = new Client();
  await client.start();
  let [sent, delivered, connected] = [0, 0, false];
  const isCalm = (): boolean => sent === SENDS && delivered === MESSAGES;
  for (let round = 0; round < 4_000; round++) {
    if (sent < SENDS && random() < 0.3) await client.send(sent++);
    if (delivered < MESSAGES && random() < 0.3) server.deliver(`m${String(delivered++)}`);
    const trouble = isCalm() ? 1 : random();
    if (!connected || trouble < 0.05) {
      server.disconnect();
      if (trouble < 0.02) await client.start();
      server.hear(client.connect());
      connected = true;
    }
    await client.load();
    const heard = server.take();
    const lostFrom = trouble < 0.1 ? Math.floor(random() * heard.length) : heard.length;
    for (const text of heard.slice(0, lostFrom)) client.hear(text);
    if (lostFrom < heard.length) connected = false;
    client.handle(random);
    const frames = await client.take(trouble < 0.02);
    if (frames === undefined || lostFrom < heard.length) {
      if (frames === undefined) await client.start();
      connected = false;
      continue;
    }
    for (const text of frames) server.hear(text);
    if (isCalm() && server.isSettled && client.told.size === SENDS) break;
  }
  expect(server.accepted).toEqual(Array.from({ length: SENDS }, (_, number) => number));
  expect(client.told.size).toBe(SENDS);
  expect(server.isSettled, "everything is acknowledged or rejected").toBe(true);
  expect(new Set(client.processed).size, "processed once").toBe(client.processed.length);
  expect(client.processed.some((id) => id.endsWith("7"))).toBe(false);
  const rejected = server.rejected.filter((id) => id.endsWith("7"));
  expect(new Set(rejected).size, "what can never be processed is rejected").toBe(MESSAGES / 10);
  expect(client.processed.length + new Set(server.rejected).size).toBe(MESSAGES);
}

test.each(Array.from({ length: 200 }, (_, seed) => seed))("crashes and lost connections lose and double nothing (seed %i)", run);

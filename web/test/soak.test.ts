// Ten thousand messages into one page: nothing missing, nothing double, and its memory stays what it was.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browser, Person } from "./browser";
import { BINARY, Server } from "./server";

const ALL = 10_000;
const FIRST = 2_000;
/** What the page may hold on to for each of the later 8,000 messages: far less than a row has. */
const BYTES_EACH = 100;

let server: Server;
let chromium: Browser;
beforeAll(async () => {
  [server, chromium] = await Promise.all([Server.start("mailbox_sender_limit=20000"), browser()]);
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
});

/** Sends these numbers as one and the same sender, and answers when the server keeps them all. */
async function pour(to: string, from: number, end: number): Promise<void> {
  const send = ["send", "--url", server.url, "--identity", join(server.data, "sender.json"), "--to", to, "--stdin"];
  const child = spawn(BINARY, send, { stdio: ["pipe", "ignore", "inherit"], env: {} });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  for (let number = from; number < end; number += 1) child.stdin.write(`number ${number}\n`);
  child.stdin.end();
  expect(await ended).toBe(0);
}

async function heap(person: Person): Promise<number> {
  const session = await person.context.newCDPSession(person.page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}

const shows = (person: Person, number: number) => person.page.locator(".message.is-last .text", { hasText: new RegExp(`^number ${number}$`) }).waitFor({ timeout: 150_000 });

test("10,000 messages into one page", { timeout: 180_000 }, async () => {
  const ann = await Person.arrive(chromium, server.url);
  const id = await ann.id();
  await pour(id, 0, 1);
  await ann.openFirst();
  await pour(id, 1, FIRST);
  await shows(ann, FIRST - 1);
  const before = await heap(ann);
  await pour(id, FIRST, ALL);
  await shows(ann, ALL - 1);
  const grown = (await heap(ann)) - before;
  expect(await ann.page.locator(".message").count()).toBeLessThanOrEqual(300);
  expect(grown).toBeLessThan((ALL - FIRST) * BYTES_EACH);
  expect(await history(ann)).toEqual(Array.from({ length: ALL }, (_, number) => `number ${number}`));
  expect(ann.faults).toEqual([]);
});

/** All texts of the conversation, as they are shown on the way up to its beginning. */
async function history(person: Person): Promise<string[]> {
  return await person.page.evaluate(async () => {
    const shown = () => [...document.querySelectorAll(".text")].map((text) => text.textContent);
    let all = shown();
    for (;;) {
      const button = [...document.querySelectorAll("button")].find((candidate) => candidate.textContent === "Earlier messages");
      if (!button) return all;
      const first = all[0];
      button.click();
      await new Promise<void>((resolve) => {
        const observer = new MutationObserver(() => {
          if (shown()[0] === first) return;
          observer.disconnect();
          resolve();
        });
        observer.observe(document.body, { childList: true, subtree: true });
      });
      const now = shown();
      all = [...now.slice(0, now.indexOf(first ?? "")), ...all];
    }
  });
}

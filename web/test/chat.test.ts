// What the page promises, in real browsers against the real server.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { browser, pair, Person } from "./browser";
import { Server } from "./server";

let server: Server;
let chromium: Browser;
beforeAll(async () => {
  chromium = await browser();
});
afterAll(() => chromium.close());
beforeEach(async () => {
  server = await Server.start();
});
afterEach(async () => {
  await Promise.all(chromium.contexts().map((context) => context.close()));
  await server.stop();
});

test("two people chat, and see what became of their messages", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  await ann.say("hello");
  await bob.reads("hello");
  await ann.lastIs("acked");
  await bob.say("hello yourself");
  await ann.reads("hello", "hello yourself");
  await bob.lastIs("acked");
  expect([...ann.faults, ...bob.faults]).toEqual([]);
});

test("who comes back reads what was sent meanwhile, in order", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  await bob.page.close();
  await ann.say("one", "two", "three");
  await ann.lastIs("archived");
  const back = await bob.tab();
  await back.openFirst();
  await back.reads("one", "two", "three");
  await ann.lastIs("acked");
  expect([...ann.faults, ...back.faults]).toEqual([]);
});

test("what was not sent before a refresh is sent after it", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  await ann.setOffline(true);
  await ann.say("before", "the refresh");
  await ann.lastIs("queued");
  await bob.reads();
  await ann.page.reload();
  await ann.openFirst();
  await ann.reads("before", "the refresh");
  await ann.setOffline(false);
  await bob.reads("before", "the refresh");
  await ann.lastIs("acked");
});

test("offline both sides write on; online all of it arrives, once", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  await ann.setOffline(true);
  await bob.say("b1", "b2");
  await bob.lastIs("archived");
  await ann.say("a1", "a2");
  await ann.lastIs("queued");
  await ann.page.getByText("2 messages wait").waitFor();
  await ann.setOffline(false);
  await bob.reads("b1", "b2", "a1", "a2");
  await ann.reads("a1", "a2", "b1", "b2");
  await Promise.all([ann.lastIs("acked"), bob.lastIs("acked")]);
});

test("five tabs have one connection, and the next one takes it over", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  const tabs = [ann, await ann.tab(), await ann.tab(), await ann.tab(), await ann.tab()];
  for (const tab of tabs.slice(1)) await tab.openFirst();
  await Promise.all(tabs.map((tab) => tab.is("online")));
  await bob.say("to all tabs");
  await Promise.all(tabs.map((tab) => tab.reads("to all tabs")));
  expect(await server.figure("ackd_connections")).toBe(2);
  const leaders = await leading(tabs);
  expect(leaders).toHaveLength(1);
  await bob.say("while it changes");
  await leaders[0]?.page.close();
  await bob.say("after it");
  const others = tabs.filter((tab) => tab !== leaders[0]);
  await Promise.all(others.map((tab) => tab.reads("to all tabs", "while it changes", "after it")));
  await others[3]?.say("from the last tab");
  await bob.reads("to all tabs", "while it changes", "after it", "from the last tab");
  await Promise.all(others.map((tab) => tab.lastIs("acked")));
  expect(await leading(others)).toHaveLength(1);
  expect(await server.figure("ackd_connections")).toBe(2);
});

async function leading(tabs: Person[]): Promise<Person[]> {
  const found = await Promise.all(tabs.map(async (tab) => ((await tab.page.locator('[data-leads="true"]').count()) > 0 ? [tab] : [])));
  return found.flat();
}

test("a server that is killed in the middle of it costs nothing", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  const texts = Array.from({ length: 30 }, (_, number) => `message ${number}.`);
  await ann.say(...texts.slice(0, 10));
  await server.kill();
  await ann.is("offline");
  await ann.say(...texts.slice(10, 20));
  await ann.lastIs("queued");
  await server.restart();
  await ann.say(...texts.slice(20));
  await bob.reads(...texts);
  await ann.lastIs("acked");
  await ann.reads(...texts);
});

test("an identity that the server does not know any more is replaced, and the page says so", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  const before = await ann.id();
  await Promise.all([ann.setOffline(true), bob.page.close()]);
  await server.forget();
  await ann.setOffline(false);
  await ann.page.getByRole("alert").getByText("Your old ID has ended").waitFor();
  const now = await ann.id();
  expect(now).not.toBe(before);
  const cid = await Person.arrive(chromium, server.url);
  await cid.talkTo(now);
  await cid.say("still there?");
  await ann.page.locator(".entry", { hasText: "still there?" }).click();
  await ann.reads("still there?");
});

test("a durable room is read by who was away", async () => {
  const [ann, bob] = await pair(chromium, server.url);
  for (const person of [ann, bob]) {
    await person.talkTo("team", "A durable room");
    await person.page.locator(".talk-title", { hasText: "Durable room" }).waitFor();
  }
  await ann.page.locator(".talk-title", { hasText: "2 here" }).waitFor();
  await bob.page.close();
  await ann.say("minutes of the meeting");
  await ann.lastIs("accepted");
  const back = await bob.tab();
  await back.page.locator(".entry", { hasText: "team" }).click();
  await back.reads("minutes of the meeting");
});

test("a link opens the conversation, and a name that can be none is refused in words", async () => {
  const ann = await Person.arrive(chromium, server.url);
  const bob = await Person.arrive(chromium, `${server.url}#to=${await ann.id()}`);
  await bob.field.waitFor();
  await bob.say("by link");
  await ann.openFirst();
  await ann.reads("by link");
  await ann.page.getByRole("button", { name: "New conversation" }).click();
  await ann.page.getByRole("dialog").getByRole("textbox").fill("no id!");
  await ann.page.keyboard.press("Enter");
  await ann.page.getByText("1 to 128 letters").waitFor();
});

test("the keyboard is enough", async () => {
  const ann = await Person.arrive(chromium, server.url);
  const bob = await Person.arrive(chromium, server.url);
  await bob.id();
  const press = (...keys: string[]) => keys.reduce((before, key) => before.then(() => ann.page.keyboard.press(key)), Promise.resolve());
  await ann.page.getByRole("button", { name: "New conversation" }).focus();
  await press("Enter");
  await ann.page.keyboard.insertText(await bob.id());
  await press("Enter");
  await ann.field.waitFor();
  await ann.page.keyboard.insertText("typed");
  await press("Enter");
  await bob.openFirst();
  await bob.reads("typed");
});

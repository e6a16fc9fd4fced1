// Every view, light and dark, on a desktop and on a phone: axe finds nothing, and a picture is kept.
import { mkdir } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { Browser, BrowserContextOptions } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, Person } from "./browser";
import { Server } from "./server";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = new URL("../shots/", import.meta.url).pathname;

let server: Server;
let chromium: Browser;
beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true });
  [server, chromium] = await Promise.all([Server.start(), browser()]);
});
afterAll(async () => {
  await chromium.close();
  await server.stop();
});

const DESKTOP: BrowserContextOptions = { viewport: { width: 1120, height: 700 } };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

/** What axe finds wrong on the page as it is. */
async function look(person: Person, name: string): Promise<void> {
  await person.page.screenshot({ path: `${SHOTS}${name}.png` });
  await person.page.evaluate(AXE);
  const found = await person.page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" · ")}`);
  });
  expect(found, name).toEqual([]);
}

describe.each([
  ["desktop", DESKTOP],
  ["phone", PHONE],
])("on a %s", (device, options) => {
  test.each(["light", "dark"] as const)("in %s", async (colorScheme) => {
    const look1 = (view: string) => look(ann, `${view}-${device}-${colorScheme}`);
    const ann = await Person.arrive(chromium, server.url, { ...options, colorScheme });
    const bob = await Person.arrive(chromium, server.url);
    await name(ann, "Ann");
    await name(bob, "Bob");
    await ann.is("online");
    await look1("welcome");
    await bob.talkTo(await ann.id());
    await bob.say("Are you on the train already?");
    await ann.openFirst();
    await look1("first-message");
    await converse(ann, bob);
    await look1("conversation");
    await bob.page.close();
    await ann.say("Did you get home all right?");
    await ann.lastIs("archived");
    await offline(ann, device);
    await look1("offline");
    await dialogs(ann, device, look1);
    expect(ann.faults).toEqual([]);
    await Promise.all([ann.context.close(), bob.context.close()]);
  });
});

test("what goes wrong is told", async () => {
  const own = await Server.start();
  const ann = await Person.arrive(chromium, own.url, DESKTOP);
  await ann.talkTo(await ann.id().then((id) => id.replace(/^./, "x")));
  await own.kill();
  await ann.is("offline");
  await ann.say("Is anybody there?");
  await ann.lastIs("queued");
  await look(ann, "reconnecting-desktop-light");
  await own.forget();
  await ann.page.getByText("Your old ID has ended").waitFor();
  await look(ann, "ended-desktop-light");
  await own.stop();
});

test("a server that lets nobody in is told, with a way to try again", async () => {
  const own = await Server.start("auth.anonymous=false");
  const ann = await Person.arrive(chromium, own.url, DESKTOP);
  await ann.page.getByRole("alert").getByText("does not let this page in").waitFor();
  await look(ann, "stopped-desktop-light");
  await own.stop();
});

async function name(person: Person, text: string): Promise<void> {
  await person.id();
  await person.page.getByLabel("Your name").fill(text);
  await person.page.keyboard.press("Tab");
}

async function converse(ann: Person, bob: Person): Promise<void> {
  await ann.say("Just got on. There are eleven tunnels before Freiburg, so expect me in pieces.");
  await bob.say("That is what the server is for.", "Write whenever you like, I get it in order.");
  await ann.page.getByText("I get it in order").last().waitFor();
  await ann.say("Good. Keep me some cake.");
  await ann.lastIs("acked");
}

/** The switch is beside the conversations, which a phone shows alone. */
async function offline(ann: Person, device: string): Promise<void> {
  if (device === "phone") await ann.page.getByRole("button", { name: "All conversations" }).click();
  await ann.setOffline(true);
  if (device === "phone") await ann.openFirst();
  await ann.say("Tunnel number four.", "And five, I think.");
  await ann.lastIs("queued");
}

async function dialogs(ann: Person, device: string, look: (view: string) => Promise<void>): Promise<void> {
  if (device === "phone") await ann.page.getByRole("button", { name: "All conversations" }).click();
  await look("overview");
  await ann.page.getByRole("button", { name: "Show your ID as a QR code" }).click();
  await look("qr");
  await ann.page.keyboard.press("Escape");
  await ann.page.getByRole("dialog").waitFor({ state: "detached" });
  await ann.page.getByRole("button", { name: "New conversation" }).click();
  await ann.page.getByRole("button", { name: "Open" }).click();
  await ann.page.getByText("1 to 128 letters").waitFor();
  await look("new");
  await ann.page.keyboard.press("Escape");
}

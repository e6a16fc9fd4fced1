// Chromium, and a person who uses the page in it.
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function browser(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** Somebody with a browser profile of their own, on one tab of the page. */
export class Person {
  /** What went wrong in the page, and what it asked of elsewhere: both must stay empty. */
  readonly faults: string[] = [];

  constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly url: string,
  ) {
    this.observe(page);
  }

  static async arrive(chromium: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await chromium.newContext({ reducedMotion: "reduce", ...options });
    const person = new Person(context, await context.newPage(), url);
    await person.page.goto(url);
    return person;
  }

  /** One more tab of the same person. */
  async tab(): Promise<Person> {
    const other = new Person(this.context, await this.context.newPage(), this.url);
    await other.page.goto(this.url);
    return other;
  }

  private observe(page: Page): void {
    page.on("pageerror", (error) => this.faults.push(String(error)));
    page.on("console", (message) => {
      const isNoise = /net::ERR_|WebSocket connection to/.test(message.text());
      if (message.type() === "error" && !isNoise) this.faults.push(message.text());
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== new URL(this.url).origin) this.faults.push(`foreign: ${request.url()}`);
    });
  }

  /** Waits until the page knows its ID. */
  async id(): Promise<string> {
    const id = await this.page.locator("[data-id]").getAttribute("data-id");
    if (!id) throw new Error("an ID is never empty");
    return id;
  }

  async is(connection: string): Promise<void> {
    await this.page.locator(`[data-connection="${connection}"]`).waitFor({ state: "attached" });
  }

  async talkTo(id: string, kind = "A person"): Promise<void> {
    await this.page.getByRole("button", { name: "New conversation" }).click();
    const dialog = this.page.getByRole("dialog");
    await dialog.getByRole("radio", { name: kind }).check();
    await dialog.getByRole("textbox").fill(id);
    await dialog.getByRole("button", { name: "Open" }).click();
    await this.field.waitFor();
  }

  /** Opens the only conversation there is. */
  async openFirst(): Promise<void> {
    await this.page.locator(".entry").first().click();
    await this.field.waitFor();
  }

  get field(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.field.fill(text);
      await this.field.press("Enter");
      await this.page.locator(".text", { hasText: text }).last().waitFor();
    }
  }

  /** Waits for the last own message to have come so far. */
  async lastIs(state: string): Promise<void> {
    await this.page.locator(".message.is-mine").last().and(this.page.locator(`:has([data-state="${state}"])`)).waitFor();
  }

  /** Waits until exactly these texts are shown, in this order. */
  async reads(...texts: string[]): Promise<void> {
    await this.page.waitForFunction((wanted) => JSON.stringify([...document.querySelectorAll(".text")].map((text) => text.textContent)) === wanted, JSON.stringify(texts)).catch(async (error: unknown) => {
      throw new Error(`shown: ${JSON.stringify(await this.texts())}`, { cause: error });
    });
  }

  texts(): Promise<string[]> {
    return this.page.locator(".text").allTextContents();
  }

  async setOffline(isOff: boolean): Promise<void> {
    const button = this.page.getByRole("switch", { name: "Go offline" });
    if ((await button.getAttribute("aria-checked")) !== String(isOff)) await button.click();
    await this.is(isOff ? "paused" : "online");
  }
}

/** Two people who have a conversation open with each other. */
export async function pair(chromium: Browser, url: string): Promise<[Person, Person]> {
  const [ann, bob] = await Promise.all([Person.arrive(chromium, url), Person.arrive(chromium, url)]);
  await ann.talkTo(await bob.id());
  await bob.talkTo(await ann.id());
  return [ann, bob];
}

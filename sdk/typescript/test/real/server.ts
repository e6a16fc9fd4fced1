import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const TARGET = process.env["CARGO_TARGET_DIR"] ?? fileURLToPath(new URL("../../../../target", import.meta.url));

/** A real server, with a data directory of its own, that can be killed and started again at the same address. */
export class Server {
  readonly #folder = mkdtempSync(join(tmpdir(), "ackd-sdk-"));
  readonly #settings: string[];
  #process!: ChildProcess;
  #address = "127.0.0.1:0";

  /** Starts one; the settings are `key=value`. */
  static async start(...settings: string[]): Promise<Server> {
    const server = new Server(settings);
    await server.restart();
    return server;
  }

  private constructor(settings: string[]) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://${this.#address}`;
  }

  /** A path beside the server's data. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  async restart(): Promise<void> {
    const settings = this.#settings.flatMap((setting) => ["--set", setting]);
    const data = join(this.#folder, "data");
    this.#process = spawn(join(TARGET, "debug", "ackd"), ["serve", "--listen", this.#address, "--data-dir", data, ...settings], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (!this.#process.stdout) throw new Error("no output");
    for await (const line of createInterface({ input: this.#process.stdout })) {
      const address = /listening on http:\/\/(\S+)/.exec(line)?.[1];
      if (address === undefined) continue;
      this.#address = address;
      this.#process.stdout.resume();
      return;
    }
    throw new Error("the server did not start");
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  async remove(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Resolves when `list` has so many entries. */
export async function until<T>(list: T[], count: number): Promise<T[]> {
  while (list.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return list;
}

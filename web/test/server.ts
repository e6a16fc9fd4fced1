// The real server, on a port that it picks, with a data directory of its own; killed and started again on demand.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
/** As `cargo build` has made it. */
export const BINARY = join(TARGET, "debug/ackd");

export class Server {
  private constructor(
    readonly data: string,
    private child: ChildProcess,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  static async start(...settings: string[]): Promise<Server> {
    const data = await mkdtemp(join(tmpdir(), "ackd-page-"));
    const { child, port } = await run(data, 0, settings);
    return new Server(data, child, port, settings);
  }

  /** SIGKILL; answers when it has ended. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
  }

  /** With the same data, on the same port. */
  async restart(): Promise<void> {
    this.child = (await run(this.data, this.port, this.settings)).child;
  }

  /** With nothing of what it knew. */
  async forget(): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true });
    await this.restart();
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true, force: true });
  }

  /** A figure of `/metrics`, all its series together. */
  async figure(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    if (lines.length === 0) throw new Error(`no figure ${name}`);
    return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
  }
}

async function run(data: string, port: number, settings: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const more = [...settings, "journal_bytes=16MiB", "log.level=error"].flatMap((setting) => ["--set", setting]);
  const child = spawn(BINARY, ["serve", "--listen", `127.0.0.1:${port}`, "--data-dir", data, ...more], { stdio: ["ignore", "pipe", "inherit"], env: {} });
  const lines = createInterface({ input: child.stdout });
  const told = await new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${String(code)}`)));
  });
  const found = /:(\d+)\s*$/.exec(told)?.[1];
  if (!found) throw new Error(`the server is not ready: ${told}`);
  return { child, port: Number(found) };
}

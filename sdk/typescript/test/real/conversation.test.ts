import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";

import { fileIdentity, fileStore } from "../../src/file.js";
import {
  type Ackd, AckdError, connect, type ConnectOptions, type Events, type Identity, memoryIdentity, MemoryStore,
} from "../../src/index.js";
import { Server, until } from "./server.js";

let server: Server;
const clients: Ackd[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.remove();
});

function client(options: ConnectOptions = {}): Ackd {
  const opened = connect(server.url, options);
  clients.push(opened);
  return opened;
}

function bodies(of: Ackd): unknown[] {
  const got: unknown[] = [];
  of.on("message", ({ body }) => got.push(body));
  return got;
}

test("what is sent is accepted, processed, and the sender knows", async () => {
  server = await Server.start();
  const [ann, bob] = [client(), client()];
  const got = bodies(bob);
  const sent = ann.send(await bob.ready, { text: "hi", list: [1, null, "ä"] });
  expect(sent.state).toBe("queued");
  expect((await sent.accepted).id).toBe(sent.id);
  await sent.acked;
  expect(sent.state).toBe("acked");
  expect(got).toEqual([{ text: "hi", list: [1, null, "ä"] }]);
});

test("bytes arrive as bytes", async () => {
  server = await Server.start();
  const [ann, bob] = [client(), client()];
  const bytes = new Uint8Array([0, 255, 10]);
  const arrived = new Promise((resolve) => bob.on("message", (message) => resolve(message.bytes)));
  ann.send(await bob.ready, bytes);
  expect(await arrived).toEqual(bytes);
});

test("kill -9 in mid-conversation loses and doubles nothing", async () => {
  server = await Server.start();
  const [ann, bob] = [client(), client()];
  const got = bodies(bob);
  const to = await bob.ready;
  const sent = Array.from({ length: 300 }, (_, number) => {
    const one = ann.send(to, number);
    return one;
  });
  for (const part of [100, 200]) {
    await sent[part]?.accepted;
    await server.kill();
    await server.restart();
    ann.wake();
    bob.wake();
  }
  await Promise.all(sent.map(({ accepted }) => accepted));
  await Promise.all(sent.map(({ acked }) => acked));
  expect(got).toEqual(Array.from({ length: 300 }, (_, number) => number));
});

test("what was sent without a network is sent by the next process, in order, once", async () => {
  server = await Server.start();
  const bob = client();
  const to = await bob.ready;
  const got = bodies(bob);
  const mine = async (): Promise<ConnectOptions> => ({
    identity: fileIdentity(server.path("me.json")), store: await fileStore(server.path("outbox.json")),
  });
  const first = client(await mine());
  const id = await first.ready;
  await first.send(to, 0).acked;
  first.pause();
  const waiting = [1, 2, 3].map((number) => first.send(to, number));
  await Promise.all(waiting.map(({ queued }) => queued));
  await first.close();
  expect(waiting.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);

  const second = client(await mine());
  const told: string[] = [];
  second.on("sent", ({ ref, state }) => state === "acked" && told.push(ref));
  second.send(to, 4);
  expect(await second.ready).toBe(id);
  await until(got, 5);
  await until(told, 4);
  expect(got).toEqual([0, 1, 2, 3, 4]);
  expect(told.slice(0, 3).sort(), "the page after a reload learns what became of them").toEqual(waiting.map(({ ref }) => ref).sort());
});

test("a message whose handler was not done comes again, to the next process; one that was done does not", async () => {
  server = await Server.start();
  const ann = client();
  const mine = async (): Promise<ConnectOptions> => ({
    identity: fileIdentity(server.path("me.json")), store: await fileStore(server.path("outbox.json")),
  });
  const first = client(await mine());
  const started = new Promise((resolve) => {
    first.on("message", ({ body }) => {
      if (body === "done") return undefined;
      resolve(body);
      return new Promise(() => undefined); // the process ends before it is done
    });
  });
  const to = await first.ready;
  await ann.send(to, "done").acked;
  ann.send(to, "not done");
  await started;
  await first.close();

  const second = client(await mine());
  const got = bodies(second);
  await until(got, 1);
  await ann.send(to, "after").acked;
  expect(got).toEqual(["not done", "after"]);
});

test("a handler that throws gets the message again, and in the end it is rejected", async () => {
  server = await Server.start('ack_timeout="1s"');
  const [ann, bob] = [client(), client({ maxFailures: 2 })];
  const attempts: number[] = [];
  bob.on("message", ({ attempt }) => {
    attempts.push(attempt);
    throw new Error("this test wants it so");
  });
  const sent = ann.send(await bob.ready, "poison");
  await expect(sent.acked).rejects.toMatchObject({ code: "dead" });
  expect(attempts).toEqual([1, 2]);
  expect(sent.state).toBe("dead");
});

test("an identity that has ended is replaced, says so, and what waits is sent by the new one", async () => {
  server = await Server.start('identity_ttl="1s"');
  const identity = memoryIdentity();
  const store = new MemoryStore();
  const bob = client();
  const got = bodies(bob);
  const to = await bob.ready;
  const first = client({ identity, store });
  const old = await first.ready;
  first.pause();
  await first.send(to, "kept").queued;
  await first.close();
  await hasEnded(await identity.load());

  const second = client({ identity, store });
  const { id, isNew, reason } = await new Promise<Events["identity"]>((resolve) => second.on("identity", resolve));
  expect([isNew, reason]).toEqual([true, "unknown_identity"]);
  expect(id).not.toBe(old);
  await until(got, 1);
  expect(got).toEqual(["kept"]);
  expect((await identity.load())?.id).toBe(id);
});

/** Asks, at intervals that are longer than its life, whether the server still knows an identity. */
async function hasEnded(identity: Identity | undefined): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const socket = new WebSocket(server.url.replace("http", "ws") + "/v1/ws", "ackd.v1.json");
    const answer = new Promise<string>((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
    socket.once("open", () => socket.send(JSON.stringify({ op: "connect", ...identity })));
    const isOver = (await answer).includes("unknown_identity");
    socket.terminate();
    if (isOver) return;
  }
}

test("rooms and presence", async () => {
  server = await Server.start();
  const [ann, bob] = [client(), client()];
  const got: unknown[] = [];
  const room = bob.room("team", { durable: true });
  room.on("message", ({ body }) => got.push(body));
  await room.joined;
  const here = await bob.ready;
  await new Promise<void>((resolve) => {
    ann.presence([here], ({ online }) => online && resolve());
  });
  bob.pause();
  await ann.room("team", { durable: true }).joined;
  await ann.room("team").send("while you were away").accepted;
  expect(got).toEqual([]);
  bob.resume();
  await until(got, 1);
  expect(got).toEqual(["while you were away"]);
  await expect(ann.room("team").send("x").acked).rejects.toMatchObject({ code: "no_receipt" });
});

test("a full outbox tells the sender, and a refusal says why", async () => {
  server = await Server.start();
  const ann = client({ outboxLimit: 2 });
  await ann.ready;
  ann.pause();
  const sent = [1, 2, 3].map((number) => ann.send("nobody", number));
  await expect(sent[2]?.queued).rejects.toBeInstanceOf(AckdError);
  expect(sent[2]?.error?.code).toBe("outbox_full");
  await expect(ann.send("nobody", 0, { persist: "never" }).accepted).rejects.toMatchObject({ code: "offline" });
  ann.resume();
  await expect(sent[0]?.accepted).rejects.toMatchObject({ code: "unknown_recipient" });
});

test("a wrong token stops the client", async () => {
  server = await Server.start();
  const ann = client({ identity: { id: "ann", token: "A".repeat(43) } });
  expect(await ann.ready).toBe("ann");
  const other = client({ identity: { id: "ann", token: `${"B".repeat(42)}A` } });
  const error = await new Promise<AckdError>((resolve) => other.on("stopped", resolve));
  expect([error.code, other.state]).toEqual(["unauthorized", "stopped"]);
});

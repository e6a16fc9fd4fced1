// @vitest-environment happy-dom
import { act, createElement, type FunctionComponent, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { beforeAll, expect, test } from "vitest";

import type { Ackd, Message, State } from "../../src/index.js";
import { useAckd, useMessages, usePresence } from "../../src/react.js";

/** A client without a server. */
class FakeClient {
  state: State = "connecting";
  id: string | undefined;
  closed = false;
  readonly online = new Set<string>();
  #changed: () => void = () => undefined;
  readonly #handlers = new Map<string, Set<(value: unknown) => unknown>>();

  on(event: string, handler: (value: unknown) => unknown): () => void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  presence(_ids: readonly string[], changed: () => void): { online: Set<string>; close: () => void } {
    this.#changed = changed;
    return { online: this.online, close: () => (this.#changed = () => undefined) };
  }

  emit(event: string, value: unknown): unknown[] {
    return [...(this.#handlers.get(event) ?? [])].map((handler) => handler(value));
  }

  comes(id: string): void {
    this.online.add(id);
    this.#changed();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

beforeAll(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
});

test("a component shows the state, gets the messages, and closes what it has opened", async () => {
  const opened: FakeClient[] = [];
  const seen: unknown[] = [];
  const open = (): Ackd => {
    const client = new FakeClient();
    opened.push(client);
    return client as unknown as Ackd;
  };
  const Chat: FunctionComponent = () => {
    const { ackd, state, id } = useAckd(open);
    useMessages(ackd, ({ body }: Message) => seen.push(body));
    const online = usePresence(ackd, ["bob"]);
    return createElement("p", null, `${state} ${id ?? "?"} ${[...online].join()}`);
  };
  const element = document.createElement("div");
  const root = createRoot(element);
  await act(async () => Promise.resolve().then(() => root.render(createElement(StrictMode, null, createElement(Chat)))));
  expect(element.textContent).toBe("connecting ? ");
  expect(opened.map(({ closed }) => closed), "strict mode mounts twice").toEqual([true, false]);
  const client = opened.at(-1);
  await act(() => {
    Object.assign(client ?? {}, { state: "online", id: "ann" });
    client?.emit("state", "online");
    client?.comes("bob");
    return Promise.resolve();
  });
  expect(element.textContent).toBe("online ann bob");
  expect(client?.emit("message", { body: "hi" }).length, "one handler").toBe(1);
  expect(seen).toEqual(["hi"]);
  await act(async () => Promise.resolve().then(() => root.unmount()));
  expect(client?.closed).toBe(true);
  expect(client?.emit("message", { body: "late" })).toEqual([]);
});

/**
 * `ackd/react`: a client as hooks.
 *
 * @module
 */
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import type { Ackd, Message, State } from "./index.js";

/** What {@link useAckd} knows of a client. */
export interface Connection {
  /** The client; `undefined` in the first render. */
  ackd: Ackd | undefined;
  /** Whether it is connected. */
  state: State;
  /** Who this is, once that is known. */
  id: string | undefined;
}

/**
 * A client for as long as the component is there: `useAckd(() => connect("wss://…"))`. The function is called once for
 * each mounting, and the client is closed with it.
 */
export function useAckd(open: () => Ackd): Connection {
  const opener = useRef(open);
  const [ackd, setAckd] = useState<Ackd>();
  useEffect(() => {
    const opened = opener.current();
    setAckd(opened);
    return () => {
      setAckd(undefined);
      void opened.close();
    };
  }, []);
  return { ackd, ...useAckdState(ackd) };
}

/** State and ID of a client that lives elsewhere. */
export function useAckdState(ackd: Ackd | undefined): Omit<Connection, "ackd"> {
  const subscribe = useRef<{ of: Ackd | undefined; subscribe: (changed: () => void) => () => void }>(undefined);
  if (subscribe.current?.of !== ackd || subscribe.current === undefined) {
    subscribe.current = {
      of: ackd,
      subscribe: (changed) => {
        const offs = [ackd?.on("state", changed), ackd?.on("identity", changed)];
        return () => {
          for (const off of offs) off?.();
        };
      },
    };
  }
  const state = useSyncExternalStore(subscribe.current.subscribe, () => ackd?.state ?? "connecting", () => "connecting" as const);
  const id = useSyncExternalStore(subscribe.current.subscribe, () => ackd?.id, () => undefined);
  return { state, id };
}

/** Hands every message to `handler`; it is acknowledged when the handler resolves, and comes again if it throws. */
export function useMessages(ackd: Ackd | undefined, handler: (message: Message) => unknown): void {
  const newest = useRef(handler);
  useEffect(() => {
    newest.current = handler;
  });
  useEffect(() => ackd?.on("message", (message) => newest.current(message)), [ackd]);
}

/** Who of these is connected. */
export function usePresence(ackd: Ackd | undefined, ids: readonly string[]): ReadonlySet<string> {
  const [online, setOnline] = useState<ReadonlySet<string>>(new Set());
  const key = ids.join(" ");
  useEffect(() => {
    const watch = ackd?.presence(key === "" ? [] : key.split(" "), () => {
      setOnline(new Set(watch?.online));
    });
    return () => {
      watch?.close();
    };
  }, [ackd, key]);
  return online;
}

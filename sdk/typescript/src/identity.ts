/** Who a client is. The token is the secret: whoever has it gets into the mailbox. */
export interface Identity {
  /** The public name: others send to it. */
  id: string;
  /** The secret, 43 characters. */
  token: string;
}

/** Where an identity is kept between visits. */
export interface IdentityStore {
  /** The identity, if there is one. */
  load(): Identity | undefined | Promise<Identity | undefined>;
  /** Keeps it: the server tells a token once. */
  save(identity: Identity): void | Promise<void>;
  /** It has ended. */
  clear(): void | Promise<void>;
}

/** Keeps the identity in `localStorage` under this key. */
export function localIdentity(key: string): IdentityStore {
  return {
    load: () => {
      const text = localStorage.getItem(key);
      return text === null ? undefined : readIdentity(text);
    },
    save: (identity) => {
      localStorage.setItem(key, JSON.stringify(identity));
    },
    clear: () => {
      localStorage.removeItem(key);
    },
  };
}

/** Keeps the identity as long as the process or the page lives. */
export function memoryIdentity(identity?: Identity): IdentityStore {
  let kept = identity;
  return {
    load: () => kept,
    save: (saved) => {
      kept = saved;
    },
    clear: () => {
      kept = undefined;
    },
  };
}

/** The identity in a text that was kept; `undefined` if there is none in it. */
export function readIdentity(text: string): Identity | undefined {
  try {
    const value = JSON.parse(text) as Partial<Identity> | null;
    const { id, token } = value ?? {};
    return typeof id === "string" && typeof token === "string" ? { id, token } : undefined;
  } catch {
    return undefined;
  }
}

// What the page puts in a message, and how it reads what others put there: any program may write to it.

export interface Said {
  text: string;
  name?: string;
}

export const NAME_MAX = 40;

/** The words of a body, whatever it is. */
export function read(body: unknown, bytes?: Uint8Array): Said {
  if (bytes) return { text: `${bytes.length} bytes` };
  if (typeof body === "string") return { text: body };
  if (typeof body === "object" && body !== null && "text" in body && typeof body.text === "string") {
    const name = "name" in body && typeof body.name === "string" ? body.name.trim().slice(0, NAME_MAX) : "";
    return name ? { text: body.text, name } : { text: body.text };
  }
  return { text: JSON.stringify(body) };
}

export function write(text: string, name: string): Said {
  return name ? { text, name } : { text };
}

/** Whether this can be an ID or a room's name (docs/protocol.md 8.2). */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9._~@+:-]{1,128}$/.test(text);
}

/** A long ID as people can read it. */
export function short(id: string): string {
  return id.length > 14 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id;
}

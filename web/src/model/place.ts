// Where this page is: which person of this browser it shows, and whom a link wants to talk to.

const query = new URLSearchParams(location.search);

/** Several people may use one browser, each under a name of this browser's own: `?as=guest`. */
export const person = (query.get("as") ?? "").replace(/[^\w-]/g, "").slice(0, 32);

/** Under which name everything of this person is stored. */
export const storage = person ? `ackd-page:${person}` : "ackd-page";

/** Whom a link asks to talk to: `#to=ID`, `#room=NAME`, `#room=NAME&durable`. */
export function wanted(): { kind: "person" | "room"; id: string; durable: boolean } | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const to = fragment.get("to");
  const room = fragment.get("room");
  if (to) return { kind: "person", id: to, durable: false };
  if (room) return { kind: "room", id: room, durable: fragment.has("durable") };
  return undefined;
}

/** The link by which others write to this ID. */
export function linkTo(id: string): string {
  return `${location.origin}${location.pathname}#to=${encodeURIComponent(id)}`;
}

/** The page of another person in this browser, who talks to this one. */
export function linkForAnother(id: string): string {
  const names = ["", "guest", "visitor", "neighbour"];
  const next = names[(names.indexOf(person) + 1) % names.length] ?? "";
  return `${location.origin}${location.pathname}${next && `?as=${next}`}#to=${encodeURIComponent(id)}`;
}

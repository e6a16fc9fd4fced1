import type { PresenceChange } from "./session/effect.js";

/** Who of some identities, or of a room, is connected. */
export class Watch {
  /** Whose presence this is; `undefined`: that of a room. */
  readonly ids: readonly string[] | undefined;
  /** Whose members these are; `undefined`: they were named. */
  readonly room: string | undefined;
  readonly #online = new Set<string>();
  readonly #known = new Set<string>();
  readonly #changed: (change: PresenceChange) => void;
  readonly #ended: (watch: Watch) => void;

  /** @internal */
  constructor(
    whom: { ids: readonly string[] } | { room: string },
    changed: (change: PresenceChange) => void,
    ended: (watch: Watch) => void,
  ) {
    this.ids = "ids" in whom ? whom.ids : undefined;
    this.room = "room" in whom ? whom.room : undefined;
    this.#changed = changed;
    this.#ended = ended;
  }

  /** Those who are connected, as far as is known. */
  get online(): ReadonlySet<string> {
    return this.#online;
  }

  /** No more changes, please. */
  close(): void {
    this.#ended(this);
  }

  /** @internal */
  hear(change: PresenceChange): void {
    const { id, online, room } = change;
    const isMine = this.ids === undefined ? room === this.room : room === undefined && this.ids.includes(id);
    if (!isMine || (this.#known.has(id) && this.#online.has(id) === online)) return;
    this.#known.add(id);
    if (online) this.#online.add(id);
    else this.#online.delete(id);
    this.#changed(change);
  }
}

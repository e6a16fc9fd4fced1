import { NOTHING, type WantedRoom, type Wants } from "./session/wants.js";

/** What all tabs want together. */
export class Wanted {
  readonly #tabs = new Map<string, Wants>();

  /** What a tab wants from now on. */
  set(tab: string, wants: Wants): void {
    this.#tabs.set(tab, wants);
  }

  /** A tab has gone. */
  delete(tab: string): void {
    this.#tabs.delete(tab);
  }

  /** All of it, each once. */
  union(): Wants {
    const all = [...this.#tabs.values()];
    const rooms = new Map<string, WantedRoom>();
    for (const room of all.flatMap((wants) => wants.rooms)) {
      const before = rooms.get(room.room);
      rooms.set(room.room, before?.durable === true ? before : room);
    }
    const ids = [...new Set(all.flatMap((wants) => wants.ids))];
    const watchedRooms = [...new Set(all.flatMap((wants) => wants.watchedRooms))];
    return all.length === 0 ? NOTHING : { rooms: [...rooms.values()], ids, watchedRooms };
  }
}

import type { ClientFrame } from "./frames.js";

/** A room that somebody here wants to be in. */
export interface WantedRoom {
  room: string;
  /** Stay a member while away. */
  durable: boolean;
  /** The `seq` from which a new durable member reads; without it: from now on. */
  from?: number;
}

/** Rooms and presence that are wanted, whatever connection there is. */
export interface Wants {
  rooms: WantedRoom[];
  /** Identities whose presence is watched. */
  ids: string[];
  /** Rooms whose presence is watched. */
  watchedRooms: string[];
}

/** Nothing is wanted. */
export const NOTHING: Wants = { rooms: [], ids: [], watchedRooms: [] };

/** Who is watched by one `watch`: named in its answer. */
export type Watched = { ids: string[] } | { room: string };

/** Turns what is wanted into what this connection still has to be told. Pure. */
export class Asked {
  #wanted: Wants = NOTHING;
  /** What this connection was told. */
  #rooms = new Map<string, boolean>();
  /** Whose `joined` has come. Only these can be watched: a durable one is joined after its `watch` would be read. */
  readonly #joined = new Set<string>();
  #ids = new Set<string>();
  #watchedRooms = new Set<string>();
  #leaving = new Set<string>();
  #refs = new Map<string, { join: string } | Watched>();
  #lastRef = 0;

  /** There is a new connection: it was told nothing. */
  opened(): void {
    this.#rooms = new Map();
    this.#joined.clear();
    this.#ids = new Set();
    this.#watchedRooms = new Set();
    this.#refs = new Map();
  }

  /** What is wanted from now on. */
  set(wanted: Wants): void {
    this.#wanted = wanted;
    for (const { room } of wanted.rooms) this.#leaving.delete(room);
  }

  /** A room is left for good, durable membership too. */
  leave(room: string): void {
    this.#leaving.add(room);
  }

  /** The room, or the watch, that an answer is of. Each is answered once. */
  answered(ref: string | undefined, isGranted = true): { join: string } | Watched | undefined {
    const asked = this.#refs.get(ref ?? "");
    this.#refs.delete(ref ?? "");
    if (asked && "join" in asked && isGranted) this.#joined.add(asked.join);
    return asked;
  }

  /** Takes what is to be said; `alsoRooms` are those that unanswered sends go to. */
  take(alsoRooms: WantedRoom[]): ClientFrame[] {
    return [...this.#takeRooms(alsoRooms), ...this.#takeWatches()];
  }

  #takeRooms(alsoRooms: WantedRoom[]): ClientFrame[] {
    const frames: ClientFrame[] = [];
    const wanted = new Map<string, WantedRoom>();
    for (const room of [...alsoRooms, ...this.#wanted.rooms]) {
      const durable = room.durable || (wanted.get(room.room)?.durable ?? false);
      wanted.set(room.room, { ...wanted.get(room.room), ...room, durable });
    }
    for (const { room, durable, from } of wanted.values()) {
      const before = this.#rooms.get(room);
      if (before !== undefined && (before || !durable)) continue;
      this.#rooms.set(room, durable);
      const ref = this.#ref({ join: room });
      const stay = durable ? { durable: true, ...(from === undefined ? {} : { from }) } : {};
      frames.push({ op: "join", ref, room, ...stay });
    }
    for (const [room, durable] of this.#rooms) {
      if (wanted.has(room) || durable) continue;
      this.#rooms.delete(room);
      this.#joined.delete(room);
      frames.push({ op: "leave", room });
    }
    for (const room of this.#leaving) {
      if (wanted.has(room)) continue;
      this.#rooms.delete(room);
      this.#joined.delete(room);
      this.#leaving.delete(room);
      frames.push({ op: "leave", room });
    }
    return frames;
  }

  #takeWatches(): ClientFrame[] {
    const frames: ClientFrame[] = [];
    const say = (op: string, ids: string[]): void => {
      for (let at = 0; at < ids.length; at += IDS_MAX) {
        const part = ids.slice(at, at + IDS_MAX);
        frames.push({ op, ids: part, ...(op === "watch" ? { ref: this.#ref({ ids: part }) } : {}) });
      }
    };
    const ids = new Set(this.#wanted.ids);
    say("watch", [...ids].filter((id) => !this.#ids.has(id)));
    say("unwatch", [...this.#ids].filter((id) => !ids.has(id)));
    this.#ids = ids;
    const rooms = new Set(this.#wanted.watchedRooms.filter((room) => this.#rooms.has(room) && this.#joined.has(room)));
    for (const room of rooms) {
      if (!this.#watchedRooms.has(room)) frames.push({ op: "watch", ref: this.#ref({ room }), room });
    }
    for (const room of this.#watchedRooms) {
      if (!rooms.has(room) && this.#rooms.has(room)) frames.push({ op: "unwatch", room });
    }
    this.#watchedRooms = rooms;
    return frames;
  }

  #ref(asked: { join: string } | Watched): string {
    this.#lastRef += 1;
    const ref = `${RESERVED_REF}${String(this.#lastRef)}`;
    this.#refs.set(ref, asked);
    return ref;
  }
}

/** What the refs of this client's own questions begin with; those of sends never do. */
export const RESERVED_REF = "~";

/** Most IDs of one `watch`. */
const IDS_MAX = 1024;

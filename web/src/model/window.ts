// The part of the open conversation that is in memory and on the screen: bounded, however long the conversation is.
import { signal } from "@preact/signals";
import type { History, Row } from "./history";

const SHOWN_MAX = 300;
const PAGE = 100;

export class Window {
  readonly rows = signal<readonly Row[]>([]);
  /** Whether there are older rows than those shown. */
  readonly hasEarlier = signal(false);
  /** Whether the newest row is among those shown. */
  readonly isLatest = signal(true);
  readonly isLoading = signal(false);
  private talk: string | null = null;
  private arrived: Row[] = [];
  private isFlushing = false;

  constructor(private readonly history: History) {}

  async open(talk: string | null): Promise<void> {
    this.talk = talk;
    this.arrived = [];
    this.isLoading.value = true;
    // One more than is shown tells whether there are more.
    const found = talk === null ? [] : await this.history.page(talk, PAGE + 1);
    if (this.talk !== talk) return;
    this.show(merge(found.slice(-PAGE), this.arrived.splice(0)).slice(-SHOWN_MAX), found.length > PAGE, true);
    this.isLoading.value = false;
  }

  /** One more at the end, on the screen with the next frame. */
  append(row: Row): void {
    if (row.talk !== this.talk || !this.isLatest.value) return;
    this.arrived.push(row);
    if (this.isFlushing) return;
    this.isFlushing = true;
    const flush = () => {
      this.isFlushing = false;
      if (!this.isLoading.value) this.flush();
    };
    if (document.hidden) setTimeout(flush, 100);
    else requestAnimationFrame(flush);
  }

  private flush(): void {
    if (!this.isLatest.value) this.arrived = [];
    if (this.arrived.length === 0) return;
    const all = merge(this.rows.value, this.arrived.splice(0));
    this.show(all.slice(-SHOWN_MAX), this.hasEarlier.value || all.length > SHOWN_MAX, true);
  }

  replace(row: Row): void {
    const change = (rows: readonly Row[]): Row[] => rows.map((other) => (other.key === row.key ? row : other));
    this.arrived = change(this.arrived);
    if (this.rows.value.some((other) => other.key === row.key)) this.rows.value = change(this.rows.value);
  }

  take(row: Row): void {
    this.rows.value = this.rows.value.filter((other) => other.key !== row.key);
  }

  async earlier(): Promise<void> {
    const first = this.rows.value[0]?.place;
    if (this.talk === null || first === undefined || !this.hasEarlier.value) return;
    const talk = this.talk;
    const found = await this.history.page(talk, PAGE + 1, first);
    if (this.talk !== talk || this.rows.value[0]?.place !== first) return;
    const all = merge(found.slice(-PAGE), this.rows.value);
    this.show(all.slice(0, SHOWN_MAX), found.length > PAGE, this.isLatest.value && all.length <= SHOWN_MAX);
  }

  latest(): Promise<void> {
    return this.open(this.talk);
  }

  /** What another tab has stored or changed. */
  async catchUp(): Promise<void> {
    const talk = this.talk;
    if (talk === null || !this.isLatest.value) return;
    const first = this.rows.value[0]?.place ?? 0;
    const found = await this.history.page(talk, SHOWN_MAX);
    if (this.talk !== talk) return;
    this.show(merge(this.rows.value, found.filter((row) => (row.place ?? 0) >= first)).slice(-SHOWN_MAX), this.hasEarlier.value, true);
  }

  private show(rows: readonly Row[], hasEarlier: boolean, isLatest: boolean): void {
    this.rows.value = rows;
    this.hasEarlier.value = hasEarlier;
    this.isLatest.value = isLatest;
  }
}

/** Both, in the order of their places, each row once: the one of `newer` where both have it. */
export function merge(older: readonly Row[], newer: readonly Row[]): Row[] {
  const all = new Map<string, Row>();
  for (const row of older) all.set(row.key, row);
  for (const row of newer) all.set(row.key, row);
  return [...all.values()].sort((a, b) => (a.place ?? 0) - (b.place ?? 0));
}

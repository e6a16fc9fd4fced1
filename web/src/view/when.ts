const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

export const clock = (at: number): string => time.format(at);
export const dayOf = (at: number): string => day.format(at);

/** Formatting costs more than this, and every row is asked. */
export const isSameDay = (a: number, b: number): boolean => new Date(a).setHours(0, 0, 0, 0) === new Date(b).setHours(0, 0, 0, 0);

/** The time of what is of today, else the day. */
export function when(at: number): string {
  return isSameDay(at, Date.now()) ? time.format(at) : date.format(at);
}

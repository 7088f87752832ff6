const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const timeExact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const dayShort = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const amount = new Intl.NumberFormat();
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const DAY_MS = 86_400_000;

const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Whole calendar days from then to now. */
const daysAgo = (date: Date) => Math.round((midnight(new Date()) - midnight(date)) / DAY_MS);

/** "14:05". */
export const timeOf = (iso: string) => time.format(new Date(iso));

/** "today at 14:05", "3 March at 14:05": within a sentence. */
export const atOf = (iso: string) => {
  const date = new Date(iso);
  const ahead = -daysAgo(date);
  const on = Math.abs(ahead) <= 1 ? relative.format(ahead, "day") : `on ${day.format(date)}`;
  return `${on} at ${time.format(date)}`;
};

/** "14:05:09", for logs. */
export const clockOf = (iso: string) => clock.format(new Date(iso));

/** The whole date and time. */
export const exactTimeOf = (iso: string) => timeExact.format(new Date(iso));

/** The time in milliseconds, and a key that is the same for two times of one calendar day. */
export function momentOf(iso: string) {
  const date = new Date(iso);
  return { ms: date.getTime(), day: date.getFullYear() * 400 + date.getMonth() * 31 + date.getDate() };
}

/** "Today", "Yesterday", "Monday, 3 March", "3 March 2024". */
export function dayOf(iso: string) {
  const date = new Date(iso);
  const ago = daysAgo(date);
  if (ago === 0 || ago === 1) return capitalised(relative.format(-ago, "day"));
  return (date.getFullYear() === new Date().getFullYear() ? day : dayAndYear).format(date);
}

/** For a list: the time today, the day before that. */
export function listTimeOf(iso: string) {
  const date = new Date(iso);
  const ago = daysAgo(date);
  if (ago === 0) return time.format(date);
  return ago === 1 ? capitalised(relative.format(-1, "day")) : dayShort.format(date);
}

const capitalised = (text: string) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

/** "3,400 messages". */
export const counted = (count: number, one: string, many: string = `${one}s`) =>
  `${amount.format(count)} ${count === 1 ? one : many}`;

/** "12 s", "5 min", "3 h". */
export function ageOf(ms: number) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

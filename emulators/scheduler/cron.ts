import { SEARCH_YEARS_MAX } from "./limits.ts";

/**
 * Schedules in the unix-cron format of Cloud Scheduler
 * (cloud.google.com/scheduler/docs/configuring/cron-job-schedules): minute, hour, day of the month,
 * month, day of the week; `*`, lists, ranges, steps and English names of months and days.
 */
export interface Cron {
  /** The first moment after `afterMs` that the schedule names; undefined where it names none. */
  next(afterMs: number): number | undefined;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS },
  // Both 0 and 7 are Sunday.
  { name: "day of the week", min: 0, max: 7, names: DAYS },
] as const satisfies readonly Field[];

interface Schedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly monthDays: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekDays: ReadonlySet<number>;
  /** When both kinds of day are restricted, a day that matches either one counts, as in every cron. */
  readonly eitherDay: boolean;
}

/** Throws RangeError for what is no schedule or no IANA time zone. */
export function parseCron(expression: string, timeZone: string): Cron {
  const parts = expression.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) throw new RangeError(`A schedule has five fields: ${expression}`);
  const [minutes, hours, monthDays, months, weekDays] = FIELDS.map((field, index) =>
    parseField(field, parts[index] as string),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>];
  if (weekDays.has(7)) weekDays.add(0);
  const eitherDay = !parts[2]?.startsWith("*") && !parts[4]?.startsWith("*");
  const schedule = { minutes, hours, monthDays, months, weekDays, eitherDay };
  const zone = openZone(timeZone);
  return { next: (afterMs) => nextTime(schedule, zone, afterMs) };
}

function parseField(field: Field, text: string): Set<number> {
  const values = new Set<number>();
  for (const item of text.split(",")) {
    const [range = "", step, ...rest] = item.split("/");
    const stride = step === undefined ? 1 : Number(step);
    const wrong =
      rest.length > 0 || !Number.isInteger(stride) || stride < 1 || (step !== undefined && step === "");
    const [from, to] = rangeOf(field, range, step !== undefined);
    if (wrong || from > to) throw new RangeError(`This is no ${field.name}: ${item}`);
    for (let value = from; value <= to; value += stride) values.add(value);
  }
  return values;
}

/** `5/10` means from 5 to the end, `5` alone means 5. */
function rangeOf(field: Field, range: string, stepped: boolean): [number, number] {
  if (range === "*") return [field.min, field.name === "day of the week" ? 6 : field.max];
  const bounds = range.split("-");
  const from = valueIn(field, bounds[0] ?? "");
  if (bounds.length === 1) return [from, stepped ? field.max : from];
  if (bounds.length === 2) return [from, valueIn(field, bounds[1] ?? "")];
  throw new RangeError(`This is no ${field.name}: ${range}`);
}

function valueIn({ name, min, max, names }: Field, text: string): number {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named >= 0 ? named + min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new RangeError(`This is no ${name}: ${text}`);
}

/** A day of a calendar without time zone, held as the milliseconds of its midnight in UTC. */
const DAY_MS = 24 * 3600 * 1000;
const MINUTE_MS = 60 * 1000;

function nextTime(schedule: Schedule, zone: Zone, afterMs: number): number | undefined {
  const startMs = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const firstDay = Math.floor(zone.toLocal(startMs) / DAY_MS) * DAY_MS;
  for (let day = firstDay; day < firstDay + SEARCH_YEARS_MAX * 366 * DAY_MS; day += DAY_MS) {
    if (!fitsDay(schedule, new Date(day))) continue;
    let earliest: number | undefined;
    // When clocks go back an hour is told twice, and when they go forward one is left out, so the
    // order of the local times within a day is not that of the moments.
    for (const hour of schedule.hours) {
      for (const minute of schedule.minutes) {
        const momentMs = zone.toMoment(day + (hour * 60 + minute) * MINUTE_MS);
        if (momentMs >= startMs && (earliest === undefined || momentMs < earliest)) earliest = momentMs;
      }
    }
    if (earliest !== undefined) return earliest;
  }
  return undefined;
}

function fitsDay({ monthDays, months, weekDays, eitherDay }: Schedule, day: Date): boolean {
  if (!months.has(day.getUTCMonth() + 1)) return false;
  const monthDay = monthDays.has(day.getUTCDate());
  const weekDay = weekDays.has(day.getUTCDay());
  return eitherDay ? monthDay || weekDay : monthDay && weekDay;
}

interface Zone {
  /** What the zone's clocks show at a moment, written as if in UTC. */
  toLocal(momentMs: number): number;
  /** The first moment at which the clocks show this; a time they leave out counts from before the gap. */
  toMoment(localMs: number): number;
}

function openZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const toLocal = (momentMs: number): number => {
    const parts = Object.fromEntries(
      format.formatToParts(momentMs).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day, hour, minute, second } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
  let around = { day: Number.NaN, before: 0, after: 0 };
  /**
   * The zone's offsets a day before and a day after the local day: those beside a change, if there is one.
   */
  const offsetsAround = (day: number): typeof around => {
    if (around.day === day) return around;
    const [early, late] = [day - DAY_MS, day + 2 * DAY_MS];
    around = { day, before: toLocal(early) - early, after: toLocal(late) - late };
    return around;
  };
  return {
    toLocal,
    toMoment(localMs) {
      const { before, after } = offsetsAround(Math.floor(localMs / DAY_MS) * DAY_MS);
      if (before === after) return localMs - before;
      const moments = [localMs - before, localMs - after].filter((ms) => toLocal(ms) === localMs);
      return moments.length === 0 ? localMs - before : Math.min(...moments);
    },
  };
}

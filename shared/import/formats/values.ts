/** Looks into values that may be anything, as exports have them. */

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
/** Undefined for anything but a text with something in it. */
export const textIn = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Ids are texts; where they are numbers, they are taken as such. */
export const idIn = (value: unknown): string | undefined =>
  typeof value === "number" && Number.isFinite(value) ? String(value) : textIn(value);

/** Seconds are below this, milliseconds above: it is a day in 1973, or in the year 5138. */
const SECONDS_MAX = 100_000_000_000;
const YEAR_10000_MS = Date.UTC(10_000, 0);

/**
 * A time in milliseconds since 1970, out of seconds, milliseconds or a text; undefined for anything else, and
 * for times that can't be stored.
 */
export function timeIn(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value.trim()) ? Number(value) : value;
  const ms =
    typeof number === "number"
      ? Math.abs(number) < SECONDS_MAX
        ? number * 1000
        : number
      : typeof number === "string"
        ? parseTime(number.trim())
        : Number.NaN;
  return Number.isFinite(ms) && ms > 0 && ms < YEAR_10000_MS ? Math.round(ms) : undefined;
}

/** A date without an offset is taken as UTC, so that it is the same wherever it is read. */
function parseTime(text: string): number {
  const plain = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?$/.exec(text);
  if (plain === null) return Date.parse(text);
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0"] = plain;
  return (
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) +
    Number(`0.${fraction}`) * 1000
  );
}

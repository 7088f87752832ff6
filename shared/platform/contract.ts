import { z } from "zod";

/**
 * Firestore ends with the year 9999, whatever the offset; nothing here is older than its beginning of time.
 */
const isStorable = (text: string): boolean => {
  const ms = Date.parse(text);
  return ms >= 0 && ms < Date.UTC(10_000, 0);
};

/** A moment with its offset from UTC, as every contract takes it. */
export const Time = z.iso
  .datetime({ offset: true })
  .refine(isStorable, "must lie between the years 1970 and 9999");

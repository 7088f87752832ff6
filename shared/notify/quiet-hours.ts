import type { QuietHours } from "../identity/contract.ts";

/**
 * Whether it is quiet for a person at that time, on the clocks of their time zone; hours may pass midnight.
 */
export function isQuiet(quietHours: QuietHours | null, timeZone: string, nowMs: number): boolean {
  if (quietHours === null) return false;
  const { from, to } = quietHours;
  const now = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(nowMs);
  return from < to ? from <= now && now < to : from <= now || now < to;
}

import { expect, test } from "vitest";
import { parseCron } from "./cron.ts";

/** The next times after a moment, in UTC, without the seconds. */
function times(expression: string, timeZone: string, after: string, count = 3): string[] {
  const cron = parseCron(expression, timeZone);
  const found: string[] = [];
  let ms = Date.parse(after);
  while (found.length < count) {
    ms = cron.next(ms) ?? Number.NaN;
    found.push(new Date(ms).toISOString().slice(0, 16));
  }
  return found;
}

test.each([
  ["*/20 * * * *", "2026-01-01T00:00:00Z", ["2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"]],
  ["5/30 0 * * *", "2026-01-01T00:00:00Z", ["2026-01-01T00:05", "2026-01-01T00:35", "2026-01-02T00:05"]],
  [
    "0 9-17/4 * * mon-fri",
    "2026-01-02T13:00:00Z",
    ["2026-01-02T17:00", "2026-01-05T09:00", "2026-01-05T13:00"],
  ],
  [
    "0,30 12 1 JAN,jul *",
    "2026-01-01T12:00:00Z",
    ["2026-01-01T12:30", "2026-07-01T12:00", "2026-07-01T12:30"],
  ],
  ["0 0 * * 7", "2026-01-01T00:00:00Z", ["2026-01-04T00:00", "2026-01-11T00:00", "2026-01-18T00:00"]],
  ["0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]],
] as const)("%s", (expression, after, expected) => {
  expect(times(expression, "Etc/UTC", after)).toEqual(expected);
});

test("a day fits by its date or its weekday where both are given, by both where one is a star", () => {
  expect(times("0 0 13 * fri", "Etc/UTC", "2026-02-10T00:00:00Z", 4)).toEqual([
    "2026-02-13T00:00",
    "2026-02-20T00:00",
    "2026-02-27T00:00",
    "2026-03-06T00:00",
  ]);
  expect(times("0 0 13 * *", "Etc/UTC", "2026-02-14T00:00:00Z", 1)).toEqual(["2026-03-13T00:00"]);
});

test("the time zone's clocks count, in summer and in winter", () => {
  expect(times("0 9 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z")).toEqual([
    "2026-03-28T08:00",
    "2026-03-29T07:00",
    "2026-03-30T07:00",
  ]);
  expect(times("30 5 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", 1)).toEqual(["2026-01-02T00:00"]);
});

test("a time that the clocks leave out is taken up after the gap, one they show twice is taken once", () => {
  expect(times("30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", 2)).toEqual([
    "2026-03-29T01:30",
    "2026-03-30T00:30",
  ]);
  expect(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual([
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
});

test("a schedule that never comes has no next time", () => {
  expect(parseCron("0 0 31 2 *", "Etc/UTC").next(0)).toBeUndefined();
});

test.each(["* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *"])(
  "%s is no schedule",
  (expression) => {
    expect(() => parseCron(expression, "Etc/UTC")).toThrow(RangeError);
  },
);

test.each([
  "*/0 * * * *",
  "*/ * * * *",
  "1,,2 * * * *",
  "mon * * * *",
  "a * * * *",
  "1-2-3 * * * *",
  "-1 * * * *",
])("%s is no schedule either", (expression) => {
  expect(() => parseCron(expression, "Etc/UTC")).toThrow(RangeError);
});

test("an unknown time zone is refused", () => {
  expect(() => parseCron("* * * * *", "Mars/Olympus")).toThrow(RangeError);
});

import { expect, test } from "vitest";
import { isQuiet } from "./quiet-hours.ts";

const night = { from: "22:00", to: "07:00" };
const noon = { from: "12:00", to: "13:30" };
const at = (time: string): number => Date.parse(`2026-01-15T${time}:00Z`);

test.each([
  ["21:59", false],
  ["22:00", true],
  ["23:59", true],
  ["00:00", true],
  ["06:59", true],
  ["07:00", false],
])("at %s of a night from 22:00 to 07:00 quiet is %s", (time, quiet) => {
  expect(isQuiet(night, "Etc/UTC", at(time))).toBe(quiet);
});

test("hours within a day end at their end", () => {
  expect([at("11:59"), at("12:00"), at("13:29"), at("13:30")].map((ms) => isQuiet(noon, "UTC", ms))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test("the person's clock counts, summer time included", () => {
  expect(isQuiet(night, "Asia/Tokyo", at("13:00"))).toBe(true);
  expect(isQuiet(night, "America/New_York", at("13:00"))).toBe(false);
  const july = Date.parse("2026-07-15T20:30:00Z");
  expect([isQuiet(night, "Europe/Berlin", july), isQuiet(night, "Africa/Lagos", july)]).toEqual([
    true,
    false,
  ]);
});

test("without quiet hours it is never quiet", () => {
  expect(isQuiet(null, "UTC", at("03:00"))).toBe(false);
});

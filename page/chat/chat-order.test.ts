import { expect, test } from "vitest";
import { byOrder, orderBetween } from "./chat-order.ts";

test("there is a place before the first, after the last, and between two until numbers run out", () => {
  expect(orderBetween(undefined, undefined)).toBe(1);
  expect(orderBetween(undefined, 5)).toBe(4);
  expect(orderBetween(5, undefined)).toBe(6);
  expect(orderBetween(1, 2)).toBe(1.5);
  expect(orderBetween(-3, Number.MAX_SAFE_INTEGER)).toBeGreaterThan(-3);
  expect(orderBetween(1, 1)).toBeUndefined();
  expect(orderBetween(1, 1 + Number.EPSILON)).toBeUndefined();
});

test("the lowest place comes first; of equal ones the older chat", () => {
  const chats = [
    { number: 3, order: 1 },
    { number: 2, order: 1 },
    { number: 1, order: 2 },
  ];
  expect(chats.sort(byOrder).map(({ number }) => number)).toEqual([2, 3, 1]);
});

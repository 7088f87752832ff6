import { describe, expect, test } from "vitest";
import { afterFailure, closed, newCircuit, type StoredCircuit, stateOf } from "./circuit.ts";

const limits = { failuresMax: 5, windowMs: 30_000, failedShare: 0.5, openMs: 10_000, openMsMax: 60_000 };
const fresh = newCircuit("m", "provider");
const fail = (circuit: StoredCircuit, nowMs: number, calls = 1): StoredCircuit =>
  afterFailure(circuit, { nowMs, calls, turn: circuit.turn }, limits);
const failTimes = (circuit: StoredCircuit, times: number, from = 0, calls = 1): StoredCircuit =>
  Array.from({ length: times }).reduce<StoredCircuit>(
    (so, _, index) => fail(so, from + index, calls),
    circuit,
  );

describe("a circuit", () => {
  test("opens with the failure that reaches the limit, and not before", () => {
    expect(stateOf(failTimes(fresh, 4), 10)).toBe("closed");
    expect(stateOf(failTimes(fresh, 5), 10)).toBe("open");
  });

  test("forgets failures that are older than the window", () => {
    const old = failTimes(fresh, 4);
    expect(stateOf(fail(old, limits.windowMs + 10), limits.windowMs + 10)).toBe("closed");
  });

  test("stays closed while most calls succeed", () => {
    expect(stateOf(failTimes(fresh, 50, 0, 10), 60)).toBe("closed");
    expect(stateOf(failTimes(fresh, 5, 0, 2), 10)).toBe("open");
  });

  test("keeps no more failures than decide", () => {
    expect(failTimes(fresh, 500, 0, 10).failures.length).toBe(limits.failuresMax);
  });

  test("may be tried when its time is over, and stays open for longer each time it fails again", () => {
    const first = failTimes(fresh, 5);
    const until = first.openUntilMs ?? 0;
    expect(stateOf(first, until - 1)).toBe("open");
    expect(stateOf(first, until)).toBe("half-open");
    const second = fail(first, until);
    expect((second.openUntilMs ?? 0) - until).toBe(2 * limits.openMs);
    let at = second;
    for (let times = 0; times < 30; times += 1) at = fail(at, at.openUntilMs ?? 0);
    const before = at.openUntilMs ?? 0;
    expect((fail(at, before).openUntilMs ?? 0) - before).toBe(limits.openMsMax);
  });

  test("takes no notice of calls that began before it opened or closed", () => {
    const open = failTimes(fresh, 5);
    expect(afterFailure(open, { nowMs: 7, calls: 1, turn: 0 }, limits)).toBe(open);
    const again = closed(open);
    expect(afterFailure(again, { nowMs: 8, calls: 1, turn: open.turn }, limits)).toBe(again);
    expect(stateOf(again, 8)).toBe("closed");
    expect(stateOf(failTimes(again, 4, 9), 20)).toBe("closed");
  });
});

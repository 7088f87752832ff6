import { expect, test } from "vitest";
import { chaosRun } from "../../../bench/chaos/run.ts";

test(
  "after seconds of faults, kills, freezing, scaling and poison nothing is lost, doubled or left undone",
  {
    timeout: 300_000,
  },
  async () => {
    const report = await chaosRun({ seconds: 7, seed: 20_261_121 });
    expect(report).toMatchObject({ wrong: [], found: 0 });
    expect(report.faults).toBeGreaterThan(20);
    expect(report.kills).toBeGreaterThan(0);
    expect(report.freezes).toBeGreaterThan(0);
    expect(report.scalings).toBeGreaterThan(0);
    expect(report.messages).toBeGreaterThan(20);
  },
);

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seededRandom } from "../shared/testing/seeded-random.ts";
import { amountOf } from "../shared/testing/sweep.ts";
import { crashRounds } from "./crash.ts";

const ROUNDS = amountOf(2, 6);

test("emulators killed under load have all they acknowledged, and nothing by halves", async () => {
  const folder = mkdtempSync(join(tmpdir(), "crash-"));
  const report = await crashRounds(folder, ROUNDS, seededRandom(7));
  rmSync(folder, { recursive: true });
  expect(report.faults).toEqual([]);
  expect(Math.min(report.pairs, report.messages, report.settled, report.tasks)).toBeGreaterThan(0);
});

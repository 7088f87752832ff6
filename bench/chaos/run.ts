import { liftLimits } from "../../shared/testing/lift-limits.ts";
import { seededRandom } from "../../shared/testing/seeded-random.ts";
import { CLOUD_INSTANCES, startSystem } from "../../shared/testing/start-system.ts";
import { beginLoad } from "./load.ts";
import { beginMisfortune } from "./misfortune.ts";
import { comeToRest, reckon } from "./reckoning.ts";

export interface ChaosReport {
  readonly seconds: number;
  readonly seed: number;
  readonly requests: number;
  readonly messages: number;
  readonly faults: number;
  readonly kills: number;
  readonly poison: number;
  readonly freezes: number;
  readonly scalings: number;
  /** How often the schedules had to run until they found nothing. */
  readonly rounds: number;
  /** What the schedules still found then. */
  readonly found: number;
  /** What was lost, doubled, or is not as it should be. */
  readonly wrong: readonly string[];
}

/**
 * Load and misfortune for so long, with the cloud's latencies, contention and doubled pushes and three
 * instances of each function besides; then quiet, then the reckoning.
 */
export async function chaosRun({ seconds, seed }: { seconds: number; seed: number }): Promise<ChaosReport> {
  await using system = await startSystem({ cloud: true, instances: CLOUD_INSTANCES });
  system.suite.model.change({ firstTokenMs: 2, tokensPerSecond: 2_000 });
  await liftLimits(system.operator, "demo");
  const random = seededRandom(seed);
  const misfortune = await beginMisfortune(system, random);
  const load = await beginLoad(misfortune.clients, random);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  await misfortune.stop();
  await load.stop();
  const rest = await comeToRest(system);
  const wrong = await reckon(system, load);
  system.suite.model.reset();
  const messages = [...load.acknowledged.values()].reduce((sum, texts) => sum + texts.size, 0);
  return { seconds, seed, requests: load.requests(), messages, ...misfortune.counts, ...rest, wrong };
}

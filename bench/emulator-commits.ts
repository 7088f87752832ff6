import type { Firestore } from "@google-cloud/firestore";
import { clientOf, type Finding, untilResting } from "./emulator-load.ts";
import { type EmulatorProcess, startEmulators } from "./emulator-process.ts";

const ELEMENTS = 300;
const REWRITTEN = 50;
/** Different elements in all arrays together: each is in many documents, as tags are. */
const VOCABULARY = 5_000;
const ARRAY_RATIO_MAX = 3;
const CLIENTS = 64;
const THROUGHPUT_MIN = 0.6;

const SHAPES = {
  small: (index: number): object => ({ number: index, text: "small" }),
  array: (index: number): object => ({
    number: index,
    tags: Array.from({ length: ELEMENTS }, (_, each) => `tag ${(index * 7 + each * 13) % VOCABULARY}`),
  }),
};
type Shape = keyof typeof SHAPES;

interface Load {
  readonly clients: readonly Firestore[];
  readonly lanes: number;
  readonly total: number;
  readonly shape: Shape;
  readonly collection: string;
  readonly documentId: (index: number) => string;
}

/** Milliseconds from one acknowledged commit to the next, with so many under way. */
async function commits({ clients, lanes, total, shape, collection, documentId }: Load): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const lane = async (number: number): Promise<void> => {
    const client = clients[number % clients.length] as Firestore;
    while (next < total) {
      const index = next;
      next += 1;
      await client.doc(`${collection}/${documentId(index)}`).set(SHAPES[shape](index));
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  return (performance.now() - startedMs) / total;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/** The mean without the extremes, in which other work on the machine shows less. */
const middleMean = (values: readonly number[]): number =>
  mean(values.toSorted((left, right) => left - right).slice(1, -1));

const SMALL_FIRST = ["small", "array", "array", "small"] as const;

/**
 * Commits of a large array beside those of a small document, in the order A B B A, twice. What is left
 * for the background to do after a round is done before the next, and is not counted.
 */
async function compareShapes(
  emulators: EmulatorProcess,
  lanes: number,
  rewriting: boolean,
): Promise<Record<Shape, number>> {
  const client = clientOf(emulators.port);
  const times: Record<Shape, number[]> = { small: [], array: [] };
  const total = lanes === 1 ? 1_000 : 3_000;
  for (const [round, shape] of (["small", ...SMALL_FIRST, ...SMALL_FIRST] as const).entries()) {
    // New documents go to a collection of the round's own, so that all rounds find the same.
    const collection = rewriting ? `${shape}-rewritten` : `${shape}-${lanes}-${round}`;
    const documentId = (index: number): string => `document-${rewriting ? index % REWRITTEN : index}`;
    const time = await commits({ clients: [client], lanes, total, shape, collection, documentId });
    // The first round only warms up.
    if (round > 0) times[shape].push(time);
    await untilResting(emulators);
  }
  await client.terminate();
  return { small: middleMean(times.small), array: middleMean(times.array) };
}

/** What a commit of a large array costs, and what of that the client costs by itself. */
export async function benchArrays(folder: string, tell: (text: string) => void): Promise<Finding[]> {
  const emulators = await startEmulators("firestore", folder);
  const nothing = await startEmulators("nothing", folder);
  const findings: Finding[] = [];
  for (const lanes of [1, 16]) {
    const alone = await compareShapes(nothing, lanes, false);
    for (const rewriting of [false, true]) {
      const { small, array } = await compareShapes(emulators, lanes, rewriting);
      const ratio = array / small;
      findings.push({
        what: `commit of ${ELEMENTS} elements, ${rewriting ? "rewriting" : "new"}, ${lanes} in flight`,
        measured: `${array.toFixed(2)} ms`,
        beside: `${small.toFixed(2)} ms small; ${(alone.array / alone.small).toFixed(2)}× where nothing is stored`,
        ratio,
        goal: `< ${ARRAY_RATIO_MAX}`,
        met: ratio < ARRAY_RATIO_MAX,
      });
      tell(`${findings.at(-1)?.what}: ${ratio.toFixed(2)}`);
    }
  }
  await emulators.kill("SIGKILL");
  await nothing.kill("SIGKILL");
  return findings;
}

const ROUNDS = 3;
const COMMITS = 12_000;

/** Commits of many clients, beside those that the same clients make where nothing is stored. */
export async function benchThroughput(folder: string, tell: (text: string) => void): Promise<Finding> {
  const processes = [await startEmulators("firestore", folder), await startEmulators("nothing", folder)];
  const times: number[][] = [[], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const emulators = processes[at] as EmulatorProcess;
      const clients = Array.from({ length: CLIENTS }, () => clientOf(emulators.port));
      const load = { clients, lanes: CLIENTS, total: COMMITS, shape: "small" } as const;
      const documentId = (index: number): string => `document-${index}`;
      const time = await commits({ ...load, collection: `throughput-${round}`, documentId });
      // The first round only warms up.
      if (round > 0) times[at]?.push(time);
      await Promise.all(clients.map((client) => client.terminate()));
      await untilResting(emulators);
    }
  }
  const [kept, forgotten] = times.map((each) => 1_000 / mean(each)) as [number, number];
  for (const emulators of processes) await emulators.kill("SIGKILL");
  const ratio = kept / forgotten;
  tell(`throughput: ${ratio.toFixed(2)}`);
  return {
    what: `commits of ${CLIENTS} clients, safe from kill -9`,
    measured: `${kept.toFixed(0)}/s`,
    beside: `${forgotten.toFixed(0)}/s where nothing is stored`,
    ratio,
    goal: `>= ${THROUGHPUT_MIN}`,
    met: ratio >= THROUGHPUT_MIN,
  };
}

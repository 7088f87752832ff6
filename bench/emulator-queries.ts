import type { CollectionReference, Firestore } from "@google-cloud/firestore";
import { clientOf, type Finding, fillCollection, MATCHES, untilResting } from "./emulator-load.ts";
import { type EmulatorProcess, startEmulators } from "./emulator-process.ts";

const SMALL = 10_000;
/** How often each query is asked of each collection, by turns. */
const TIMES = 300;
const WARM_UP = 30;
const RATIO_MAX = 3;
const RSS_MAX_MEGABYTES = 300;
const OPEN_MAX_MS = 2_000;
const LOAD_MAX_SECONDS = 240;

/** One query, asked each time for something else. */
type Ask = (collection: CollectionReference, count: number, turn: number) => Promise<number>;

const ASKED: Readonly<Record<string, Ask>> = {
  "equality, 20 found": async (collection, count, turn) =>
    (await collection.where("kind", "==", `kind-${turn % (count / MATCHES)}`).get()).size,
  "array-contains, 60 found": async (collection, count, turn) =>
    (await collection.where("tags", "array-contains", `tag-${turn % (count / MATCHES)}`).get()).size,
  "range, ordered, limit 50": async (collection, count, turn) => {
    const from = (turn * 6_151) % (count - 50);
    return (await collection.where("number", ">=", from).orderBy("number").limit(50).get()).size;
  },
  "range, descending, limit 50": async (collection, count, turn) => {
    const to = 50 + ((turn * 6_151) % (count - 50));
    return (await collection.where("number", "<", to).orderBy("number", "desc").limit(50).get()).size;
  },
  "count of an equality": async (collection, count, turn) =>
    (
      await collection
        .where("kind", "==", `kind-${turn % (count / MATCHES)}`)
        .count()
        .get()
    ).data().count,
  "count of the collection": async (collection) => (await collection.count().get()).data().count,
};

const FOUND: Readonly<Record<string, number>> = {
  "equality, 20 found": MATCHES,
  "array-contains, 60 found": 3 * MATCHES,
  "range, ordered, limit 50": 50,
  "range, descending, limit 50": 50,
  "count of an equality": MATCHES,
};

async function timed(work: () => Promise<number>, expected: number): Promise<number> {
  const startedMs = performance.now();
  const found = await work();
  if (found !== expected) throw new Error(`A query found ${found} instead of ${expected}.`);
  return performance.now() - startedMs;
}

const middle = (times: number[]): number =>
  times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

/** Asks the same of both collections by turns, so that a drifting machine shows in both. */
async function compare(client: Firestore, what: string, ask: Ask, large: number): Promise<Finding> {
  const times = { large: [] as number[], small: [] as number[] };
  const expected = (count: number): number => FOUND[what] ?? count;
  for (let turn = -WARM_UP; turn < TIMES; turn += 1) {
    const index = turn + WARM_UP;
    const ofLarge = await timed(() => ask(client.collection("large"), large, index * 37), expected(large));
    const ofSmall = await timed(() => ask(client.collection("small"), SMALL, index * 37), expected(SMALL));
    if (turn < 0) continue;
    times.large.push(ofLarge);
    times.small.push(ofSmall);
  }
  const [ofLarge, ofSmall] = [middle(times.large), middle(times.small)];
  const ratio = ofLarge / ofSmall;
  return {
    what: `${what}, p50`,
    measured: `${ofLarge.toFixed(2)} ms in ${large.toLocaleString("en-US")}`,
    beside: `${ofSmall.toFixed(2)} ms in ${SMALL.toLocaleString("en-US")}`,
    ratio,
    goal: `< ${RATIO_MAX}`,
    met: ratio < RATIO_MAX,
  };
}

function figure(what: string, value: number, unit: string, most: number, beside = ""): Finding {
  const digits = unit === "s" ? 1 : 0;
  return {
    what,
    measured: `${value.toFixed(digits)} ${unit}`,
    beside,
    ratio: undefined,
    goal: `< ${most} ${unit}`,
    met: value < most,
  };
}

/** From starting the process to the answer of a first query. */
async function opening(folder: string): Promise<{ emulators: EmulatorProcess; ms: number }> {
  const startedMs = performance.now();
  const emulators = await startEmulators("firestore", folder);
  const client = clientOf(emulators.port);
  await client.collection("large").where("kind", "==", "kind-1").get();
  const ms = performance.now() - startedMs;
  await client.terminate();
  return { emulators, ms };
}

/** Queries of a large collection beside those of a small one, and what the large one costs otherwise. */
export async function benchQueries(
  folder: string,
  documents: number,
  tell: (text: string) => void,
): Promise<Finding[]> {
  const loading = await startEmulators("firestore", folder);
  const startedMs = performance.now();
  await fillCollection(loading.port, "large", documents, (done) => {
    if (done % 50_000 === 0) tell(`loaded ${done}, RSS ${loading.rssMegabytes().toFixed(0)} MB`);
  });
  await fillCollection(loading.port, "small", SMALL, () => undefined);
  const loadSeconds = (performance.now() - startedMs) / 1000;
  const afterLoad = loading.rssMegabytes();
  // What waits for its index entries is made good by the next process.
  await loading.kill("SIGKILL");
  const killed = await opening(folder);
  await untilResting(killed.emulators);
  await killed.emulators.kill("SIGKILL");
  const { emulators, ms } = await opening(folder);
  const client = clientOf(emulators.port);
  const findings: Finding[] = [];
  for (const [what, ask] of Object.entries(ASKED)) {
    findings.push(await compare(client, what, ask, documents));
    tell(`${what}: ${findings.at(-1)?.ratio?.toFixed(2)}`);
  }
  findings.push(
    figure(
      "loading",
      loadSeconds,
      "s",
      LOAD_MAX_SECONDS,
      `${Math.round(documents / loadSeconds)} documents/s`,
    ),
    figure("opening, to the first query's answer", ms, "ms", OPEN_MAX_MS),
    figure("opening after kill -9 amid the load", killed.ms, "ms", OPEN_MAX_MS),
    figure("memory (RSS) after loading", afterLoad, "MB", RSS_MAX_MEGABYTES),
    figure("memory (RSS) after the queries", emulators.rssMegabytes(), "MB", RSS_MAX_MEGABYTES),
  );
  await client.terminate();
  await emulators.kill("SIGKILL");
  return findings;
}

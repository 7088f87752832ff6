import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { type Answering, type Asker, askModel, createAsker, type Way } from "./answers/ask.ts";
import { type LocalSuite, signInOn, startLocalSuite } from "./local-suite.ts";
import { rowOf } from "./measure.ts";

/**
 * `npm run bench:answers [-- --questions 40]`: how much later than from the model itself the first word of an
 * answer comes; what slow answers under way do to fast ones; what a long answer costs; and how soon somebody
 * else answers while models fail. The models are emulated: the time to their first word is set, and taken
 * off.
 */
const { values } = parseArgs({
  options: {
    questions: { type: "string", default: "40" },
    "port-base": { type: "string", default: "25000" },
  },
});
const QUESTIONS = Number(values.questions);
const FIRST_MS = 100;
const PACE = { firstTokenMs: FIRST_MS, tokensPerSecond: 500 };
const LARGE = "emulated-large";

const FAST = "What is 12 times 7?";
let asked = 0;
/** Of the slow lane, asked by nobody before. */
const slowQuestion = (tokens: number): string =>
  `Write ${tokens} tokens about bridges, compare them with ferry number ${(asked += 1)} in detail, and explain why`;

const WAYS = ["inline", "by task"] as const satisfies readonly Way[];

interface Figure {
  readonly what: string;
  readonly p50: number;
  readonly p95: number;
  readonly goal: string;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const quantiles = (ms: readonly number[]): { p50: number; p95: number } =>
  rowOf({ latencies: ms, wallMs: 1, cpuMs: 0 });

/** Asks one after the other; tells when each first word came. */
async function firstWords(asker: Asker, way: Way, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    await using answer = await asker.ask(FAST, way);
    times.push(answer.firstMs);
    await answer.done;
  }
  return times;
}

/** The ways by turns, so that what else the machine does meets them all. */
async function measureFirstWords(asker: Asker, modelUrl: string): Promise<Figure[]> {
  await asker.setModel(PACE);
  const times = { inline: [] as number[], "by task": [] as number[] };
  const bare: number[] = [];
  for (const way of WAYS) await firstWords(asker, way, 5);
  for (let index = 0; index < QUESTIONS; index += 1) {
    for (const way of WAYS) times[way].push(...(await firstWords(asker, way, 1)));
    bare.push(await askModel(modelUrl, FAST));
  }
  const over = (ms: readonly number[]) => quantiles(ms.map((each) => each - FIRST_MS));
  return [
    { what: "the model itself", ...over(bare), goal: "" },
    { what: "inline", ...over(times.inline), goal: "p50 < 30" },
    { what: "by task", ...over(times["by task"]), goal: "p50 < 150" },
  ];
}

const SLOW_ANSWERS = 10;
const SLOW_MS = 30_000;
const SLOW_TOKENS = 750;

async function startSlowAnswers(asker: Asker): Promise<Answering[]> {
  await asker.setModel({ ...PACE, model: LARGE, tokensPerSecond: (SLOW_TOKENS * 1000) / SLOW_MS });
  return Promise.all(
    Array.from({ length: SLOW_ANSWERS }, () => asker.ask(slowQuestion(SLOW_TOKENS), "by task")),
  );
}

/** Ends them, after seeing that each was under way to the last. */
async function endSlowAnswers(asker: Asker, answers: readonly Answering[]): Promise<void> {
  for (const answer of answers) {
    await asker.api.delete(`/v1/apps/demo/chats/${answer.chat}/messages/2/answer`);
    const { message } = await answer.done;
    await answer[Symbol.asyncDispose]();
    const { model } = message.usage ?? {};
    if (message.status !== "stopped" || model !== LARGE) {
      throw new Error(`A slow answer was ${message.status} by ${model}, so it was no load.`);
    }
  }
}

/** Fast questions beside slow answers and without, in the order A B B A. */
async function measureBesideSlow(asker: Asker): Promise<string[][]> {
  await asker.setModel(PACE);
  const times = { idle: new Map<Way, number[]>(), loaded: new Map<Way, number[]>() };
  for (const state of ["idle", "loaded", "loaded", "idle"] as const) {
    const slow = state === "loaded" ? await startSlowAnswers(asker) : [];
    for (const way of WAYS) {
      const before = times[state].get(way) ?? [];
      times[state].set(way, [...before, ...(await firstWords(asker, way, QUESTIONS / 2))]);
    }
    await endSlowAnswers(asker, slow);
  }
  return WAYS.map((way) => {
    const [idle, loaded] = [times.idle, times.loaded].map((each) => quantiles(each.get(way) ?? []).p50);
    const ratio = (loaded ?? Number.NaN) / (idle ?? Number.NaN);
    return [way, idle?.toFixed(1) ?? "", loaded?.toFixed(1) ?? "", `${ratio.toFixed(2)}×`, "≤ 1.2×"];
  });
}

const LONG_TOKENS = 2_000;
/** Indexing, counting and telling people come after the answer. */
const BACKGROUND_MS = 2_500;

async function measureCost(asker: Asker): Promise<string[][]> {
  const rows: string[][] = [];
  for (const tokensPerSecond of [60, 1_000]) {
    await asker.setModel({ firstTokenMs: FIRST_MS, tokensPerSecond });
    await using answer = await asker.ask(`Write ${LONG_TOKENS} tokens about the weather`, "inline");
    const { message } = await answer.done;
    await sleep(BACKGROUND_MS);
    const all = await asker.costOf(answer.requestId);
    const tokens = message.usage?.outputTokens ?? 0;
    // The claim, the segments, and the commit of message and head.
    const writes = 1 + (await asker.segmentsOf(answer.chat, message.id)) + 2;
    rows.push([
      `${tokensPerSecond} tokens/s`,
      String(tokens),
      `${writes}, ${((writes / tokens) * 100).toFixed(2)} %`,
      "< 1 %",
      String(all.writes),
      String(all.reads),
    ]);
  }
  return rows;
}

/** Every call fails at once from here on: of one model, or of all. */
async function breakModel(asker: Asker, model: string | undefined): Promise<void> {
  await asker.setModel({ ...PACE, firstTokenMs: 0, ...(model === undefined ? {} : { model }), fault: "500" });
}

async function measureFallback(asker: Asker): Promise<Figure[]> {
  await asker.setModel({ firstTokenMs: 0, tokensPerSecond: 5_000 });
  const question = slowQuestion(60);
  await using earlier = await asker.ask(question, "inline");
  await earlier.done;
  await breakModel(asker, LARGE);
  const fallbacks: number[] = [];
  while (fallbacks.length < QUESTIONS) {
    await using answer = await asker.ask(slowQuestion(20), "inline");
    const { served } = (await answer.done).message;
    if (served?.as === "fallback" && served.reason === "circuit_open") fallbacks.push(answer.firstMs);
  }
  await breakModel(asker, undefined);
  const cached: number[] = [];
  while (cached.length < QUESTIONS) {
    await using answer = await asker.ask(question, "inline");
    const { message } = await answer.done;
    if (message.served?.as === "cached" && message.served.reason === "circuit_open")
      cached.push(answer.firstMs);
  }
  return [
    { what: "another model (first word at once)", ...quantiles(fallbacks), goal: "< 100" },
    { what: "an earlier answer", ...quantiles(cached), goal: "< 100" },
  ];
}

function print(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n`);
  console.log(`| ${columns.join(" | ")} |`);
  console.log(`|${columns.map(() => "---").join("|")}|`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

const rowsOf = (figures: readonly Figure[]): string[][] =>
  figures.map(({ what, p50, p95, goal }) => [what, p50.toFixed(1), p95.toFixed(1), goal]);

async function run(suite: LocalSuite): Promise<void> {
  const operator = createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` });
  await liftLimits(operator, "demo");
  const { body: info } = await createApiClient(suite.consoleUrl, {}).get("/control/info");
  const asker = createAsker(suite, await signInOn(suite, "asker@bench.test"));
  const first = await measureFirstWords(asker, `http://127.0.0.1:${info.ports.model}`);
  print("First word, later than the model's own, in ms", ["", "p50", "p95", "goal"], rowsOf(first));
  print(
    `First word of fast questions beside ${SLOW_ANSWERS} slow answers of ${SLOW_MS / 1000} s, in ms (medians)`,
    ["", "idle", "loaded", "ratio", "goal"],
    await measureBesideSlow(asker),
  );
  print(
    `An answer of ${LONG_TOKENS} tokens`,
    ["", "tokens", "writes of the answer", "goal", "writes with question and background", "reads"],
    await measureCost(asker),
  );
  const fallback = await measureFallback(asker);
  // On a machine that does other work too, waiting times are mostly time in queues.
  const load = loadavg().map((each) => each.toFixed(1));
  print(
    "First word while the model first in line is not asked, in ms",
    ["", "p50", "p95", "goal"],
    rowsOf(fallback),
  );
  console.log(`\n${cpus().length} cores, load average ${load.join(", ")}`);
}

const dataDir = mkdtempSync(join(tmpdir(), "scrollback-answers-"));
const suite = await startLocalSuite(Number(values["port-base"]), dataDir);
try {
  await run(suite);
} finally {
  await suite.stop("SIGTERM");
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit();

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ApiClient, createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { type LocalSuite, signInOn, startLocalSuite } from "./local-suite.ts";
import { corpusOf } from "./search/corpus.ts";
import { benchFindable } from "./search/findable.ts";
import { addMessages, CHATS, createChats, saidOf } from "./search/load.ts";
import { queriesOf } from "./search/queries.ts";
import { benchRecall } from "./search/recall.ts";

/**
 * `npm run bench:search [-- --messages 10000,100000] [--data FILE]`: fills an app with messages and their
 * entries, half of them in the searcher's 1,000 chats, and times searches over HTTP at each size; then how
 * long it takes from a commit until its message is found. With `--messages 20000 --recall 2000,500` it
 * compares the hits of so many pieces of texts and misspelt words with looking at every text instead. Texts
 * are those of FILE (JSON Lines of `{turns: [{text}]}`), or made up.
 */
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10000,100000" },
    data: { type: "string" },
    queries: { type: "string", default: "60" },
    "port-base": { type: "string", default: "24000" },
    findable: { type: "string", default: "100" },
    recall: { type: "string", default: "" },
  },
});
const sizes = values.messages.split(",").map(Number);
const total = sizes.at(-1) ?? 0;

interface Figures {
  readonly p50: number;
  readonly p95: number;
  readonly hits: number;
  readonly reads: number;
  readonly readsMax: number;
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;

/** Asks one after the other, and counts what each read. */
async function ask(
  api: ApiClient,
  suite: LocalSuite,
  queries: readonly string[],
  more: string,
): Promise<Figures> {
  const times: number[] = [];
  const reads: number[] = [];
  let hits = 0;
  const meter = createApiClient(suite.consoleUrl, {});
  for (const query of queries) {
    const startedMs = performance.now();
    const { status, body, headers } = await api.get(
      `/v1/apps/demo/search?q=${encodeURIComponent(query)}${more}`,
    );
    times.push(performance.now() - startedMs);
    if (status !== 200 || body.partial !== false)
      throw new Error(`A search answered ${status}, partial ${body.partial}.`);
    hits += body.data.length;
    const { body: counted } = await meter.get(`/control/meter?requestId=${headers.get("x-request-id")}`);
    reads.push(counted.billed.reads);
  }
  times.sort((a, b) => a - b);
  return {
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    hits: hits / queries.length,
    reads: reads.reduce((sum, each) => sum + each, 0) / reads.length,
    readsMax: Math.max(...reads),
  };
}

async function benchQueries(api: ApiClient, suite: LocalSuite, messages: number): Promise<void> {
  console.log(`\n${messages.toLocaleString("en-US")} messages\n`);
  console.log(
    "| query | where | p50 ms | p95 ms | hits | reads | most reads |\n|---|---|---|---|---|---|---|",
  );
  for (const { name, queries } of queriesOf(corpus, messages, Number(values.queries))) {
    for (const [where, more] of [
      ["1,000 chats", ""],
      ["one chat", "&chat=1"],
    ] as const) {
      await ask(api, suite, queries.slice(0, 5), more);
      const { p50, p95, hits, reads, readsMax } = await ask(api, suite, queries, more);
      const figures = [p50, p95, hits, reads].map((figure) => figure.toFixed(1)).join(" | ");
      console.log(`| ${name} | ${where} | ${figures} | ${readsMax} |`);
    }
  }
}

const corpus = corpusOf(values.data);
const folder = mkdtempSync(join(tmpdir(), "scrollback-search-"));
const suite = await startLocalSuite(Number(values["port-base"]), folder);
try {
  await liftLimits(createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` }), "demo");
  // A token lasts for 15 minutes, filling an app may take longer.
  const signIn = async (): Promise<ApiClient> => {
    const token = await signInOn(suite, "searcher@bench.test");
    return createApiClient(suite.direct, { authorization: `Bearer ${token}` });
  };
  const { body: me } = await (await signIn()).get("/v1/apps/demo/me");
  const loaded = await createChats(suite.env, "demo", me.id, corpus);
  let done = 0;
  for (const size of sizes) {
    const startedMs = performance.now();
    await addMessages(loaded, [done, size], total, (so) => {
      if (so % 20_000 === 0)
        process.stderr.write(`${so} messages, ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
    });
    const seconds = (performance.now() - startedMs) / 1000;
    process.stderr.write(
      `loaded ${size - done} in ${seconds.toFixed(0)} s: ${Math.round((size - done) / seconds)}/s\n`,
    );
    done = size;
    const api = await signIn();
    if (values.recall === "") await benchQueries(api, suite, size);
    else await benchRecall(api, saidOf(loaded, size), values.recall.split(",").map(Number));
  }
  await loaded.client.terminate();
  const perSecond = Number(values.findable);
  if (perSecond > 0) await benchFindable(await signIn(), { chats: CHATS, perSecond });
} finally {
  await suite.stop("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type DocumentReference, openFirestore, readDocuments } from "../shared/platform/firestore.ts";
import { startLocalSuite } from "./local-suite.ts";
import { closedLoop, medianRow, type Row, rowOf } from "./measure.ts";

/**
 * `node bench/reads.ts [--rounds 5]`: processor time of reading documents by Google's client and by
 * `readDocuments`, in turns, each twice, so that two equal ones show how far chance goes. A small document is
 * like a chat's head, a large one like a block of 64 messages.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    calls: { type: "string", default: "3000" },
    "port-base": { type: "string", default: "25000" },
  },
});
const AT_ONCE = 16;
const SMALL = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field${index}`, index * 1_000]));
const LARGE = { messages: Buffer.alloc(20_000, "a message "), count: 64, revisions: 2_080 };

type Way = "client" | "our own";
const ORDER: readonly (readonly [label: string, way: Way])[] = [
  ["Google's client", "client"],
  ["our own", "our own"],
  ["our own, again", "our own"],
  ["Google's client, again", "client"],
];

const dataDir = mkdtempSync(join(tmpdir(), "scrollback-reads-"));
try {
  const suite = await startLocalSuite(Number(values["port-base"]), dataDir);
  Object.assign(process.env, suite.env);
  const projectId = String(suite.env.GOOGLE_CLOUD_PROJECT);
  const firestore = openFirestore({ projectId, databaseId: "(default)" });
  const [small, large] = [firestore.doc("reads/small"), firestore.doc("reads/large")];
  await small.set(SMALL);
  await large.set(LARGE);
  const read = async (way: Way, refs: readonly DocumentReference[]): Promise<void> => {
    const found = way === "client" ? await firestore.getAll(...refs) : await readDocuments(refs);
    for (const document of found) document.data();
  };
  for (const [name, refs] of [
    ["one small", [small]],
    ["one small, one large", [small, large]],
  ] as const) {
    const rows = new Map<string, Row[]>();
    for (let round = -1; round < Number(values.rounds); round += 1) {
      for (const [label, way] of ORDER) {
        const run = closedLoop(AT_ONCE, Number(values.calls), process.pid, () => read(way, refs));
        const row = rowOf(await run);
        if (round >= 0) rows.set(label, [...(rows.get(label) ?? []), row]);
      }
    }
    for (const [label, measured] of rows) {
      const { p50, cpuMicros } = medianRow(measured);
      console.log(`| ${name} | ${label} | ${p50.toFixed(1)} | ${cpuMicros.toFixed(0)} |`);
    }
  }
  await firestore.terminate();
  await suite.stop("SIGTERM");
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);

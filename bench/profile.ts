import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { startLocalSuite } from "./local-suite.ts";
import { closedLoop, medianRow, type Row, rowOf } from "./measure.ts";
import { openInspector } from "./profile/inspector.ts";
import { type Operation, type OperationName, OPERATIONS, prepare } from "./profile/operations.ts";
import { type Share, sharesOf } from "./profile/phases.ts";

/**
 * `npm run profile -- page older append …`: where the processor time of one request goes, as a table; without
 * names, of all operations. The time is measured without the profiler, as the median of `--rounds`; the
 * profiler then tells by samples what share each phase has. `--functions 30` adds the functions that take
 * most, `--save FOLDER` keeps the profiles for Chrome's developer tools.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: "string", default: "2000" },
    rounds: { type: "string", default: "5" },
    functions: { type: "string", default: "0" },
    save: { type: "string" },
    "port-base": { type: "string", default: "24000" },
  },
});
const PORT = Number(values["port-base"]);
/** The last port of the suite's range. */
const INSPECTOR_PORT = PORT + 99;
const TOTAL = Number(values.requests);

const isOperation = (name: string): name is OperationName => OPERATIONS.some((known) => known === name);

const names = positionals.length === 0 ? OPERATIONS : positionals.filter(isOperation);
if (names.length < positionals.length) throw new Error(`Operations: ${OPERATIONS.join(", ")}.`);

process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --inspect-port=127.0.0.1:${INSPECTOR_PORT}`;
const dataDir = mkdtempSync(join(tmpdir(), "scrollback-profile-"));
try {
  const suite = await startLocalSuite(PORT, dataDir);
  await liftLimits(createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` }), "demo");
  const operations = await prepare(suite, names);
  const inspector = await openInspector(suite.directPid, INSPECTOR_PORT);
  for (const operation of operations) {
    const loop = async (): Promise<Row> =>
      rowOf(await closedLoop(operation.atOnce, TOTAL, suite.directPid, operation.run));
    await loop();
    const rows: Row[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) rows.push(await loop());
    await inspector.start();
    await loop();
    const profile = await inspector.stop();
    if (values.save !== undefined)
      writeFileSync(join(values.save, `${operation.name}.cpuprofile`), JSON.stringify(profile));
    const { phases, functions } = sharesOf(profile);
    print(operation, medianRow(rows), phases);
    if (Number(values.functions) > 0)
      print(operation, medianRow(rows), functions.slice(0, Number(values.functions)));
  }
  inspector.close();
  await suite.stop("SIGTERM");
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);

function print(
  { name, atOnce }: Operation,
  { cpuMicros, p50, perSecond }: Row,
  shares: readonly Share[],
): void {
  console.log(
    `\n${name}, ${atOnce} at once: ${cpuMicros.toFixed(0)} µs, p50 ${p50.toFixed(1)} ms, ${perSecond.toFixed(0)}/s\n`,
  );
  console.log("| | µs | share |\n|---|---|---|");
  for (const { name: phase, share } of shares) {
    console.log(`| ${phase} | ${(share * cpuMicros).toFixed(0)} | ${(share * 100).toFixed(1)} % |`);
  }
}

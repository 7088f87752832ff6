import { keepMade, madeName } from "../files/keep-made.ts";
import type { App } from "../identity/app.ts";
import type { Principal } from "../identity/principal.ts";
import type { Deps } from "../platform/deps.ts";
import { derivedId } from "../platform/ids.ts";
import { RESULT_KEPT_MS } from "../transfers/tell-of.ts";
import { readReport } from "./report.ts";

const CSV = "text/csv";

/**
 * Makes the report a file of whoever imports. Doing it again leads to the same. 1 write, and 2 calls to the
 * bucket for each part and 1.
 */
export async function keepReport(
  deps: Pick<Deps, "bucket" | "clock">,
  app: App,
  by: Principal,
  { job, ...of }: { readonly job: string; readonly parts: readonly string[]; readonly unnamed: number },
): Promise<string> {
  const id = derivedId("import-report", app.id, job);
  const bytes = await readReport(deps.bucket, app, job, of);
  await deps.bucket.write(madeName(app, id), bytes, CSV);
  const file = { name: "import-report.csv", type: CSV, size: bytes.length, sha256: null, createdBy: by.id };
  await keepMade(deps, app, { id, keptMs: RESULT_KEPT_MS, ...file });
  return id;
}

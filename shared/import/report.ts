import { buffer } from "node:stream/consumers";
import type { App } from "../identity/app.ts";
import type { Bucket } from "../platform/bucket.ts";
import type { Left } from "./found.ts";

/** What could not be kept, as a table: a part for each step, and in the end one file. */
const CSV = "text/csv";
const HEADER = "where,what,why\r\n";

const partName = ({ id: app }: Pick<App, "id">, job: string, part: string): string =>
  `transfers/${app}/${job}/report-${part}.csv`;

/** Cells are quoted as RFC 4180 says; none begins a formula. */
const cell = (text: string): string =>
  `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

const rowOf = ({ where, what, why }: Left): string => `${[where, what, why].map(cell).join(",")}\r\n`;

/** Keeps what a step could not. Writing it again leads to the same. 1 call to the bucket. */
export const keepReportPart = (
  bucket: Pick<Bucket, "write">,
  app: App,
  job: string,
  { part, left }: { readonly part: string; readonly left: readonly Left[] },
): Promise<void> => bucket.write(partName(app, job, part), Buffer.from(left.map(rowOf).join("")), CSV);

/** The whole table. 2 calls to the bucket for each part. */
export async function readReport(
  bucket: Pick<Bucket, "read" | "stat">,
  app: App,
  job: string,
  { parts, unnamed }: { readonly parts: readonly string[]; readonly unnamed: number },
): Promise<Buffer> {
  const rows: Buffer[] = [Buffer.from(HEADER)];
  for (const part of parts) {
    const name = partName(app, job, part);
    const found = await bucket.stat(name);
    if (found !== undefined)
      rows.push(await buffer(await bucket.read(name, { generation: found.generation })));
  }
  if (unnamed > 0) rows.push(Buffer.from(rowOf({ where: "", what: "row", why: `${unnamed} more` })));
  return Buffer.concat(rows);
}

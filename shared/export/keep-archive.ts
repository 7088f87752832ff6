import { keepMade, madeName } from "../files/keep-made.ts";
import { readFile } from "../files/store.ts";
import type { App } from "../identity/app.ts";
import type { Bucket } from "../platform/bucket.ts";
import { eachConcurrently } from "../platform/each-concurrently.ts";
import { derivedId } from "../platform/ids.ts";
import { RESULT_KEPT_MS } from "../transfers/tell-of.ts";
import type { ExportResult } from "./contract.ts";
import type { ExportContext } from "./export-context.ts";

export const ZIP_TYPE = "application/zip";
/** Objects that are listed, and removed at once. */
const LIST_PAGE = 500;
const REMOVALS_AT_ONCE = 16;

/** The file that an export makes: the same, however often it is made. */
const fileOf = ({ id: app }: Pick<App, "id">, job: string): string => derivedId("export", app, job);

/** Where the whole archive lies. */
export const wholeName = (app: Pick<App, "id">, job: string): string => madeName(app, fileOf(app, job));

/**
 * Makes the whole archive a file of whoever has asked for it, and removes its parts. Idempotent. 1 write, and
 * a call to the bucket for each part. Returns the file's id.
 */
export async function keepArchive(
  { deps, app, id: job, by, begunMs, objects }: ExportContext,
  { size, sha256 }: { readonly size: number; readonly sha256: string },
): Promise<string> {
  const id = fileOf(app, job);
  const day = new Date(begunMs).toISOString().slice(0, 10);
  const name = `${app.id}-${day}.zip`;
  const file = { id, name, type: ZIP_TYPE, size, sha256, createdBy: by.id, keptMs: RESULT_KEPT_MS };
  await keepMade(deps, app, file);
  await removeAll(deps.bucket, objects.prefix);
  return id;
}

/**
 * What the export has come to, where it has made its file already and died before the job could say so; its
 * parts, of which some may be gone, are removed. 1 read.
 */
export async function findArchive({
  deps,
  app,
  id: job,
  objects,
}: ExportContext): Promise<ExportResult | undefined> {
  const file = fileOf(app, job);
  const { stored } = await readFile(app, file);
  if (stored === undefined) return undefined;
  await removeAll(deps.bucket, objects.prefix);
  return { file, size: stored.size, sha256: stored.sha256 ?? "" };
}

/** Removes every object under a prefix; how many. Idempotent. */
export async function removeAll(bucket: Bucket, prefix: string): Promise<number> {
  let removed = 0;
  for (;;) {
    const page = await bucket.list(prefix, { limit: LIST_PAGE });
    await eachConcurrently(REMOVALS_AT_ONCE, page, ({ name }) => bucket.remove(name));
    removed += page.length;
    if (page.length < LIST_PAGE) return removed;
  }
}

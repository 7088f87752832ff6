import { buffer } from "node:stream/consumers";
import { openChatLog } from "../chat/log/chat-log.ts";
import type { ExportResult } from "../export/contract.ts";
import type { ExportDeps, ExportJob } from "../export/export-context.ts";
import { wholeName } from "../export/keep-archive.ts";
import { stepExport } from "../export/step-export.ts";
import { appHandle } from "../identity/app.ts";
import type { Person, System } from "./start-system.ts";

/** An export of a person's, outside any job: two with one `begunMs` make the same bytes. */
export const exportJob = (
  { deps }: Pick<System, "deps">,
  person: Pick<Person, "id">,
  {
    id,
    begunMs,
    role = "member",
    scope = "person",
  }: Pick<ExportJob, "id" | "begunMs"> & {
    readonly role?: "member" | "owner";
    readonly scope?: ExportJob["scope"];
  },
): ExportJob => ({
  app: appHandle(deps.firestore, "demo"),
  id,
  by: { id: person.id, kind: "person", role },
  scope,
  begunMs,
});

/** What a step is given that is to do all that is left, or one part of it. */
export const ALL_AT_ONCE = Number.POSITIVE_INFINITY;
export const PART_BY_PART = 0;

/** As functions have them, with nothing remembered from before. */
export const exportDeps = ({ deps }: Pick<System, "deps">): ExportDeps => ({
  ...deps,
  chatLog: openChatLog(deps),
});

/** Does the steps of an export until it is done, each from the cursor of the one before. */
export async function runExport(
  system: Pick<System, "deps">,
  job: ExportJob,
  {
    endMs = ALL_AT_ONCE,
    cursor: from = null,
    between = () => Promise.resolve(),
  }: {
    readonly endMs?: number;
    readonly cursor?: string | null;
    /** Between two steps. */
    readonly between?: (cursor: string) => Promise<unknown>;
  } = {},
): Promise<{ readonly bytes: Buffer; readonly result: ExportResult }> {
  const deps = exportDeps(system);
  let step = await stepExport(deps, job, { cursor: from, endMs });
  while (step.cursor !== null) {
    await between(step.cursor);
    step = await stepExport(deps, job, { cursor: step.cursor, endMs });
  }
  if (step.result === undefined) throw new Error("An export that is done has a result.");
  return { bytes: await wholeArchive(system, job), result: step.result };
}

/** What an export has come to, from the bucket itself. */
export async function wholeArchive(
  { deps: { bucket } }: Pick<System, "deps">,
  { app, id }: ExportJob,
): Promise<Buffer> {
  const name = wholeName(app, id);
  const generation = (await bucket.stat(name))?.generation ?? "";
  return buffer(await bucket.read(name, { generation }));
}

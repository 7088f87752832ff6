import { createHash } from "node:crypto";
import type { ExportResult } from "../export/contract.ts";
import type { ApiClient } from "./api-client.ts";
import { readArchive } from "./read-archive.ts";
import type { System } from "./start-system.ts";

export interface Exported {
  readonly job: string;
  readonly result: ExportResult;
  readonly bytes: Buffer;
  readonly archive: ReadonlyMap<string, Buffer>;
}

/** Begins an export, waits until it is done and loads what it has come to. */
export async function exportArchive(
  system: Pick<System, "settle">,
  api: ApiClient,
  body: object = {},
): Promise<Exported> {
  const begun = await api.post("/v1/apps/demo/exports", body);
  if (begun.status !== 202) throw new Error(`The export was answered with ${begun.status}.`);
  await system.settle();
  return loadExport(api, begun.body.id);
}

/** Loads what an export has come to; its checksum and size are what the job says. */
export async function loadExport(api: ApiClient, job: string): Promise<Exported> {
  const { body } = await api.get(`/v1/apps/demo/jobs/${job}`);
  if (body.state !== "completed")
    throw new Error(`The export is ${body.state}: ${JSON.stringify(body.error)}`);
  const result = body.result as ExportResult;
  const { body: address } = await api.get(`/v1/apps/demo/files/${result.file}/content`, {
    accept: "application/json",
  });
  const bytes = Buffer.from(await (await fetch(address.url)).arrayBuffer());
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== result.sha256 || bytes.length !== result.size) {
    throw new Error("The archive is not what the job says.");
  }
  return { job, result, bytes, archive: await readArchive(bytes) };
}

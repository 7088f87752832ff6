import type { Job } from "../jobs/contract.ts";
import type { ApiClient } from "./api-client.ts";
import type { System } from "./start-system.ts";
import { uploadFile } from "./upload-file.ts";

export interface ImportedFile {
  readonly name: string;
  readonly type?: string;
  readonly bytes: Buffer;
  readonly format?: string;
  readonly columns?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean;
}

/** Uploads a file, and begins to bring in what it holds. */
export async function beginImport(
  system: System,
  api: ApiClient,
  { name, type = "application/octet-stream", bytes, ...draft }: ImportedFile,
): Promise<Job> {
  const { id } = await uploadFile(api, { name, type, bytes, purpose: "import" });
  await system.settle();
  const { status, body } = await api.post("/v1/apps/demo/imports", { file: id, ...draft });
  if (status !== 202) throw new Error(`The import was answered with ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** The same, until it is over. */
export async function importFile(system: System, api: ApiClient, file: ImportedFile): Promise<Job> {
  return jobOver(system, api, (await beginImport(system, api, file)).id);
}

/** A job once it is over; each look lets what is due come first. */
export async function jobOver(system: System, api: ApiClient, id: string): Promise<Job> {
  for (;;) {
    await system.settle();
    const { body } = await api.get(`/v1/apps/demo/jobs/${id}`);
    if (body.state === "completed" || body.state === "failed") return body;
    // Steps that failed come again after a while.
    system.suite.kernel.clock.advance(1_000);
  }
}

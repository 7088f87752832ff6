import { deliverTo } from "../../../shared/testing/deliver-to.ts";
import { afterEach, beforeAll, expect, test } from "vitest";
import { EXPORTS } from "../../../shared/export/archive/object-names.ts";
import { JOB_LEASE_MS } from "../../../shared/jobs/jobs.ts";
import { loadExport } from "../../../shared/testing/export-archive.ts";
import { exportJob, runExport } from "../../../shared/testing/run-export.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** An export whose process is killed at any of its calls is gone on with by another, to the same bytes. */
const system = useSystem();
const [ada, bob] = usePeople(system, "ada@kills.test", "bob@kills.test");
afterEach(() => system.clearFaults());

beforeAll(async () => {
  const chat = await startChat(ada.api, { members: [bob], title: "Plans", texts: ["One", "Two"] });
  const draft = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("some notes") };
  const { id } = await uploadFile(ada.api, draft);
  await system.settle();
  await ada.api.post(`${chat.path}/messages`, { text: "See", files: [id] });
  await system.settle();
});

/** What a step that does all of it calls, the job's own reads and writes included. */
const CALLS: readonly (readonly [service: string, method: string, calls: number])[] = [
  ["firestore", "BatchGetDocuments", 13],
  ["firestore", "RunQuery", 12],
  ["firestore", "Commit", 3],
  ["storage", "objects.insert", 5],
  ["storage", "objects.get", 12],
  ["storage", "objects.compose", 1],
  ["storage", "objects.list", 1],
  ["storage", "objects.delete", 5],
];
const cases = CALLS.flatMap(([service, method, calls]) =>
  Array.from({ length: calls }, (_, skip) => [service, method, skip] as const),
);

test.each(sweep(cases))("killed at its %s %s %i", { timeout: 120_000 }, async (service, method, skip) => {
  const { kernel } = system.suite;
  const host = await startProcess(system);
  const { promise: delivered, resolve: deliver } = Promise.withResolvers<void>();
  system.fault({
    service: "tasks",
    method: "Dispatch",
    kind: "held",
    until: delivered,
    count: Number.POSITIVE_INFINITY,
  });
  const { body: job } = await ada.api.post("/v1/apps/demo/exports", {});
  const count = (): number =>
    kernel.meter.read({ project: system.project }).rpcs[`${service}.${method}`] ?? 0;
  kernel.meter.clear(system.project);
  // Its own call is counted, and goes no further.
  system.fault({ service, method, skip, kind: "hang" });
  const task = { app: "demo", job: job.id, step: 0 };
  void deliverTo(system, host.port, "run-transfer", task).catch(() => undefined);
  await expect.poll(count, { timeout: 60_000, interval: 10 }).toBeGreaterThan(skip);
  process.kill(host.pid, "SIGKILL");
  await host.ended;
  system.clearFaults();
  deliver();
  kernel.clock.advance(2 * JOB_LEASE_MS);
  await system.runSchedule("recover-jobs");
  await system.settle();
  const { bytes } = await loadExport(ada.api, job.id);
  kernel.clock.advance(-2 * JOB_LEASE_MS);
  expect(await system.deps.bucket.list(`${EXPORTS}demo/${job.id}/`, { limit: 10 })).toEqual([]);
  const stored = await system.deps.firestore.doc(`apps/demo/jobs/${job.id}`).get();
  const begunMs = stored.get("createdAt").toMillis();
  const undisturbed = exportJob(system, ada, { id: `undisturbed-${method}-${skip}`, begunMs });
  const reference = await runExport(system, undisturbed);
  expect(bytes.equals(reference.bytes)).toBe(true);
});

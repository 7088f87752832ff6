import { afterEach, beforeAll, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { EXPORTS } from "../../../shared/export/archive/object-names.ts";
import { stepExport } from "../../../shared/export/step-export.ts";
import {
  ALL_AT_ONCE,
  exportDeps,
  exportJob,
  PART_BY_PART,
  runExport,
  wholeArchive,
} from "../../../shared/testing/run-export.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * The fault sweep of exports: for each call that one makes, each way in which it can fail. The job's queue
 * does the step again from the cursor that it had; the bytes are those of an export that nothing befell.
 */
const system = useSystem();
const [ada, bob] = usePeople(system, "ada@faults.test", "bob@faults.test");
const BEGUN_MS = Date.UTC(2026, 2, 4);
const TRIES_MAX = 8;
let expected: Buffer;

beforeAll(async () => {
  const chat = await startChat(ada.api, { members: [bob], title: "Plans", texts: ["One", "Two", "Three"] });
  await ada.api.patch(`${chat.path}/messages/1`, { text: "One, edited" });
  const draft = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("some notes") };
  const { id } = await uploadFile(ada.api, draft);
  await system.settle();
  await ada.api.post(`${chat.path}/messages`, { text: "See", files: [id] });
  await startChat(ada.api, { title: "Alone", texts: ["To myself"] });
  await system.settle();
  ({ bytes: expected } = await runExport(
    system,
    exportJob(system, ada, { id: "undisturbed", begunMs: BEGUN_MS }),
  ));
});
afterEach(() => system.clearFaults());

/** What an export of this calls; a test counts them. */
const CALLS: readonly (readonly [service: string, method: string, calls: number])[] = [
  ["firestore", "BatchGetDocuments", 14],
  ["firestore", "RunQuery", 13],
  ["firestore", "Commit", 1],
  ["storage", "objects.insert", 5],
  ["storage", "objects.get", 12],
  ["storage", "objects.compose", 1],
  ["storage", "objects.list", 1],
  ["storage", "objects.delete", 5],
];
const KINDS: readonly FaultKind[] = ["before", "after", "drop"];
const cases = CALLS.flatMap(([service, method, calls]) =>
  KINDS.flatMap((kind) => Array.from({ length: calls }, (_, skip) => [service, method, kind, skip] as const)),
);

test("the sweep goes through every call that an export makes", async () => {
  const job = exportJob(system, ada, { id: "metered", begunMs: BEGUN_MS });
  const work = () => stepExport(exportDeps(system), job, { cursor: null, endMs: ALL_AT_ONCE });
  const counts = await system.meterRequest(work);
  expect(counts.rpcs).toEqual(
    Object.fromEntries(CALLS.map(([service, method, calls]) => [`${service}.${method}`, calls])),
  );
});

test.each(sweep(cases))(
  "%s %s, %s, call %i: the bytes are the same, and no part is left",
  { timeout: 60_000 },
  async (service, method, kind, skip) => {
    const job = exportJob(system, ada, { id: `${method}-${kind}-${skip}`, begunMs: BEGUN_MS });
    const deps = exportDeps(system);
    // Of Firestore's a code that its client does not repeat by itself: the step fails.
    system.fault({ service, method, kind, skip, code: "PERMISSION_DENIED", ms: 10 });
    let cursor: string | null = null;
    let isDone = false;
    for (let tries = 0; !isDone;) {
      try {
        const step = await stepExport(deps, job, { cursor, endMs: PART_BY_PART });
        ({ cursor } = step);
        isDone = cursor === null;
      } catch (cause) {
        tries += 1;
        if (tries === TRIES_MAX) throw cause;
      }
    }
    expect((await wholeArchive(system, job)).equals(expected)).toBe(true);
    expect(await system.deps.bucket.list(`${EXPORTS}demo/${job.id}/`, { limit: 10 })).toEqual([]);
  },
);

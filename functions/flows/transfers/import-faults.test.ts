import { deliverTo } from "../../../shared/testing/deliver-to.ts";
import { afterEach, expect, test } from "vitest";
import type { Job } from "../../../shared/jobs/contract.ts";
import { JOB_LEASE_MS } from "../../../shared/jobs/jobs.ts";
import { longChatGpt } from "../../../shared/testing/chat-exports.ts";
import { beginImport, jobOver } from "../../../shared/testing/import-file.ts";
import { startProcess } from "../../../shared/testing/start-process.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { sweep } from "../../../shared/testing/sweep.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { openChatLog } from "../../../shared/chat/log/chat-log.ts";
import { importKind } from "../../../shared/import/import-kind.ts";
import { runTransfer } from "../../../shared/transfers/run-transfer.ts";

/** Whatever fails or dies while an import is under way: the end is as if nothing had. */
const system = useSystem({ instances: 1 });
afterEach(() => system.clearFaults());
const chats = "/v1/apps/demo/chats";

const LONG = 450;
const EXPORT = Buffer.from(
  JSON.stringify([
    longChatGpt("long", LONG),
    longChatGpt("short", 4),
    { mapping: {} },
    longChatGpt("other", 6),
  ]),
);
const FILE = { name: "conversations.json", bytes: EXPORT };
const EXPECTED = { chats: 3, messages: LONG + 1 + 5 + 7, existing: 0, skipped: 1 };

/** All that has come to somebody's chats, but for what is drawn. */
async function stateOf(person: Person): Promise<unknown> {
  const { body } = await person.api.get(`${chats}?limit=100`);
  const states = await Promise.all(
    body.data.map(
      async ({
        number,
        title,
        messagesCount,
        unreadCount,
        latest,
        branchesCount,
        revision,
      }: Record<string, unknown>) => {
        const ref = system.deps.firestore.doc(`apps/demo/chats/${String(number)}`);
        const [messages, branches, entries] = await Promise.all([
          ref.collection("messages").orderBy("number").get(),
          ref.collection("branches").get(),
          system.deps.firestore.collection("apps/demo/search").where("chat", "==", number).count().get(),
        ]);
        return {
          title,
          messagesCount,
          unreadCount,
          branchesCount,
          revision,
          latest: (latest as { text: string }).text,
          found: entries.data().count,
          messages: messages.docs.map((each) => [
            each.get("number"),
            each.get("parent"),
            each.get("branch"),
            each.get("body.text"),
          ]),
          branches: branches.docs
            .map((each) => `${each.id} ${each.get("after")} ${each.get("lastNumber")}`)
            .sort(),
        };
      },
    ),
  );
  return states.sort((a, b) => (String(a.title) < String(b.title) ? -1 : 1));
}

let undisturbed: unknown;
let people = 0;
async function somebody(): Promise<Person> {
  people += 1;
  return system.signIn(`${people}@import-faults.test`);
}

async function expected(): Promise<unknown> {
  if (undisturbed !== undefined) return undisturbed;
  const person = await somebody();
  const job = await jobOver(system, person.api, (await beginImport(system, person.api, FILE)).id);
  expect(job).toMatchObject({ state: "completed", result: EXPECTED });
  undisturbed = await stateOf(person);
  return undisturbed;
}

async function demandUndisturbed(person: Person, job: Job): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    system.suite.kernel.clock.advance(2 * JOB_LEASE_MS);
    await system.runSchedule("recover-jobs");
    await system.settle();
    // Whoever dies announces nothing more.
    await system.runSchedule("reconcile");
    await system.settle();
  }
  const over = await jobOver(system, person.api, job.id);
  expect(over).toMatchObject({ state: "completed", result: EXPECTED });
  await system.settle();
  expect(await stateOf(person)).toEqual(await expected());
}

/** What a step calls. */
const CALLS: readonly (readonly [service: string, method: string, skip: number])[] = [
  ["firestore", "BatchGetDocuments", 0],
  ["firestore", "BatchGetDocuments", 1],
  ["firestore", "BatchGetDocuments", 3],
  ["firestore", "Commit", 0],
  ["firestore", "Commit", 1],
  ["firestore", "Commit", 2],
  ["firestore", "Commit", 3],
  ["firestore", "Commit", 4],
  ["firestore", "Commit", 6],
  ["firestore", "Commit", 7],
  ["firestore", "Commit", 8],
  ["firestore", "Commit", 9],
  ["storage", "objects.get", 0],
  ["storage", "objects.get", 2],
  ["storage", "objects.insert", 0],
  ["tasks", "CreateTask", 0],
  ["pubsub", "Publish", 1],
];
const KINDS = ["before", "after", "drop"] as const;
const cases = CALLS.flatMap((call) => KINDS.map((kind) => [...call, kind] as const));

test.each(sweep(cases))("%s %s %i fails %s", { timeout: 120_000 }, async (service, method, skip, kind) => {
  await expected();
  const person = await somebody();
  const job = await beginHeld(person);
  system.fault({ service, method, skip, kind, code: "UNAVAILABLE" });
  await runFirst(job.id).catch(() => undefined);
  system.clearFaults();
  await demandUndisturbed(person, job);
});

test.each(sweep(CALLS))("killed at its %s %s %i", { timeout: 120_000 }, async (service, method, skip) => {
  const { kernel } = system.suite;
  await expected();
  const person = await somebody();
  const job = await beginHeld(person);
  const host = await startProcess(system);
  const count = (): number =>
    kernel.meter.read({ project: system.project }).rpcs[`${service}.${method}`] ?? 0;
  kernel.meter.clear(system.project);
  system.fault({ service, method, skip, kind: "hang" });
  const task = { app: "demo", job: job.id, step: 0 };
  const posted = deliverTo(system, host.port, "run-transfer", task).catch(() => undefined);
  // It may come to its end without that many calls.
  let isOver = false;
  void posted.then(() => (isOver = true));
  await expect.poll(() => isOver || count() > skip, { timeout: 60_000, interval: 10 }).toBe(true);
  process.kill(host.pid, "SIGKILL");
  await host.ended;
  system.clearFaults();
  await demandUndisturbed(person, job);
});

/** Begun, and its task is lost. */
async function beginHeld(person: Person): Promise<Job> {
  const { id } = await uploadFile(person.api, {
    ...FILE,
    type: "application/octet-stream",
    purpose: "import",
  });
  await system.settle();
  system.fault({
    service: "tasks",
    method: "CreateTask",
    kind: "before",
    code: "PERMISSION_DENIED",
    count: 100,
  });
  const { body } = await person.api.post("/v1/apps/demo/imports", { file: id });
  system.clearFaults();
  return body;
}

/** The first step, at an instance of its own. */
const runFirst = (job: string) => {
  const kind = importKind({ ...system.deps, chatLog: openChatLog(system.deps) });
  return runTransfer(system.deps, [kind], { app: "demo", job, step: 0 });
};

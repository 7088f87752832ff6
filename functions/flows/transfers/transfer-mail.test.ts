import { expect, test } from "vitest";
import type { Job } from "../../../shared/jobs/contract.ts";
import { ONLINE_MS } from "../../../shared/live/presence.ts";
import { LOOK_AGAIN_MS } from "../../../shared/notify/tasks.ts";
import { beginImport, jobOver } from "../../../shared/testing/import-file.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { runTransfer } from "../../../shared/transfers/run-transfer.ts";

/** Whoever has gone away is told by mail that their import or export is over. */
const system = useSystem({ instances: 1 });
const [ada, bob, cy] = usePeople(system, "ada@mailed.test", "bob@mailed.test", "cy@mailed.test");
const exportsOf = "/v1/apps/demo/exports";
const CHATS = Buffer.from("chat,text\nTrip,Where to?\nTrip,\n");

async function mailsTo(email: string): Promise<{ subject: string; text: string }[]> {
  await system.settle();
  system.suite.kernel.clock.advance(LOOK_AGAIN_MS);
  await system.settle();
  return system.suite.mail
    .list({ to: email, limit: 10 })
    .filter(({ subject }) => !subject.includes("code"))
    .map(({ subject, text }) => ({ subject, text }));
}

test("an export that is ready is mailed about once, however often its last step comes", async () => {
  const { body } = await ada.api.post(exportsOf, {});
  const done = await jobOver(system, ada.api, body.id);
  const { step } = (await system.deps.firestore.doc(`apps/demo/jobs/${body.id}`).get()).data() ?? {};
  const again = await runTransfer(system.deps, [], { app: "demo", job: done.id, step: step - 1 });
  expect(again.state).toBe("over before");
  const mails = await mailsTo("ada@mailed.test");
  expect(mails).toMatchObject([{ subject: "Your export is ready" }]);
  expect(mails[0]?.text).toContain("for seven days");
});

test("an import says what came; one that has failed says so; a trial and a cancelled one say nothing", async () => {
  const file = { name: "chats.csv", bytes: CHATS };
  const over = async (of: Promise<Job>): Promise<Job> => jobOver(system, bob.api, (await of).id);
  await over(beginImport(system, bob.api, { ...file, dryRun: true }));
  expect(await mailsTo("bob@mailed.test")).toEqual([]);
  await over(beginImport(system, bob.api, file));
  const failed = await over(
    beginImport(system, bob.api, { name: "x.zip", bytes: Buffer.from("PK nothing") }),
  );
  expect(failed.state).toBe("failed");
  const { body: cancelled } = await bob.api.post(exportsOf, {});
  await bob.api.delete(`/v1/apps/demo/jobs/${cancelled.id}`);
  const mails = await mailsTo("bob@mailed.test");
  expect(mails.map(({ subject }) => subject).toSorted()).toEqual([
    "Your chats are here",
    "Your import has failed",
  ]);
  expect(mails.find(({ subject }) => subject.includes("chats"))?.text).toContain(
    "New: 1 chat and 1 message. Here before: 0 messages. Not kept: 1 thing.",
  );
});

test("whoever was there after its end has seen it, and is not mailed", async () => {
  const { body } = await cy.api.post(exportsOf, {});
  await jobOver(system, cy.api, body.id);
  const nowMs = system.deps.clock.now();
  await system.deps.firestore.doc(`apps/demo/presence/${cy.id}`).set({
    onlineUntil: new Date(nowMs + ONLINE_MS),
    lastSeenAt: new Date(nowMs),
  });
  expect(await mailsTo("cy@mailed.test")).toEqual([]);
});

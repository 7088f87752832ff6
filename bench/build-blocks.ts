import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Firestore, Timestamp } from "@google-cloud/firestore";
import { auditBlocks } from "../shared/chat/blocks/audit-blocks.ts";
import { chatHandle } from "../shared/chat/chat-handle.ts";
import { appHandle } from "../shared/identity/app.ts";
import { createApiClient } from "../shared/testing/api-client.ts";
import { startLocalSuite } from "./local-suite.ts";

/**
 * `node bench/build-blocks.ts [--messages 1000000] [--chats 100] [--kills 2]`: how long the migration
 * `chat-blocks` takes for chats from before blocks, what it reads and writes, whether it goes on where it was
 * when the functions are killed (kill -9), and whether the audit finds all blocks right. Messages are written
 * straight into Firestore, in the form in which they are stored.
 */
const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    chats: { type: "string", default: "100" },
    kills: { type: "string", default: "2" },
    "port-base": { type: "string", default: "27000" },
  },
});
const CHATS = Number(values.chats);
const EACH = Math.floor(Number(values.messages) / CHATS);
const BATCH = 500;
const BATCHES_AT_ONCE = 4;
const POLL_MS = 500;
const TEXT = "A message of about the usual length, as people write them.";

const dataDir = mkdtempSync(join(tmpdir(), "scrollback-blocks-"));
try {
  const suite = await startLocalSuite(Number(values["port-base"]), dataDir);
  Object.assign(process.env, suite.env);
  const firestore = new Firestore({ projectId: suite.env["GOOGLE_CLOUD_PROJECT"] ?? "" });
  const app = appHandle(firestore, "old");
  const at = Timestamp.now();
  const storedOf = (number: number) => ({
    number,
    revision: number + 1,
    createdRevision: number + 1,
    branch: "main",
    parent: number === 1 ? null : number - 1,
    sender: { id: "someone" },
    role: "user",
    body: { text: `${TEXT} ${number}` },
    status: "complete",
    fingerprint: "none",
    createdAt: at,
    changedAt: at,
  });
  const fill = async (chat: number): Promise<void> => {
    const handle = chatHandle(app, chat);
    await handle.ref.set({ number: chat, status: "open", lastNumber: EACH, revision: EACH + 1 });
    await handle.ref
      .collection("progress")
      .doc("changes")
      .set({ revision: EACH + 1, countedNumber: EACH });
    for (let from = 1; from <= EACH; from += BATCH * BATCHES_AT_ONCE) {
      await Promise.all(
        Array.from({ length: BATCHES_AT_ONCE }, async (_, index) => {
          const first = from + index * BATCH;
          const batch = firestore.batch();
          for (let number = first; number < Math.min(first + BATCH, EACH + 1); number += 1) {
            batch.create(handle.ref.collection("messages").doc(`m${number}`), storedOf(number));
          }
          await batch.commit();
        }),
      );
    }
  };
  const filledMs = performance.now();
  for (let chat = 1; chat <= CHATS; chat += 1) await fill(chat);
  console.error(`filled in ${((performance.now() - filledMs) / 1000).toFixed(0)} s`);
  const control = createApiClient(suite.consoleUrl, {});
  await control.delete("/control/meter");
  const startedMs = performance.now();
  const operator = createApiClient(suite.api, { authorization: `Bearer ${suite.operatorKey}` });
  const { body: begun } = await operator.post("/v1/operator/migrations", { name: "chat-blocks" });
  const kills = Number(values.kills);
  for (let killed = 0; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    const { status, body: job } = await operator.get(`/v1/operator/jobs/${begun.id}`);
    // While the functions start again nobody answers.
    if (status !== 200) continue;
    if (job.state === "failed") throw new Error(`The migration has failed: ${JSON.stringify(job.error)}`);
    if (job.state === "completed") {
      console.log(`counted ${job.progress.done} chats, killed ${killed} times`);
      break;
    }
    if (killed < kills && job.progress.done >= ((killed + 1) * CHATS) / (kills + 1)) {
      console.error(`killed after ${job.progress.done} chats`);
      process.kill(suite.functionsPid(), "SIGKILL");
      killed += 1;
    }
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const { body } = await control.get("/control/meter");
  const { reads, writes } = body.billed;
  console.log(
    `${CHATS} chats of ${EACH} messages: ${seconds.toFixed(0)} s, ${reads} reads, ${writes} writes`,
  );
  const found = new Set<string>();
  for (let chat = 1; chat <= CHATS; chat += 1) found.add(await auditBlocks(chatHandle(app, chat)));
  console.log(`audited: ${[...found].join(", ")}`);
  await firestore.terminate();
  await suite.stop("SIGTERM");
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);

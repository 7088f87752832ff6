import { type App as AdminApp, deleteApp, initializeApp } from "firebase-admin/app";
import { getAuth } from "firebase-admin/auth";
import { readManifest } from "../../emulators/local/manifest.ts";
import { invokerEmail } from "../../emulators/local/functions-env.ts";
import { LEASE_MS } from "../../shared/assistant/claim-answer.ts";
import { FORK_TASK_DELAY_MS } from "../../shared/chat/tasks.ts";
import { GRACE_MS } from "../../shared/chat/upkeep/sweep-changes.ts";
import { UPLOAD_LOOK_MS } from "../../shared/files/limits.ts";
import { FAILURES_MAX } from "../../shared/identity/lockout.ts";
import { jobsOf } from "../../shared/jobs/jobs.ts";
import { roundMs } from "../../shared/notify/announce-messages.ts";
import { UNREAD_MS } from "../../shared/notify/tasks.ts";
import { uploadFile } from "../../shared/testing/upload-file.ts";
import { HookServer } from "../../shared/testing/hook-server.ts";
import type { Person, System } from "../../shared/testing/start-system.ts";
import { unsignedToken } from "../../shared/testing/unsigned-token.ts";
import { causeAnswers, SLOW_QUESTION } from "./cause-answers.ts";
import { chats, newChat, pass, pathOf } from "./talking.ts";

const DAY_MS = 24 * 3600 * 1000;
const manifest = readManifest("functions/manifest.json");

/**
 * Makes a system do everything that its functions ever do, and suffer everything that alerts tell of. What it
 * logs and calls meanwhile is what the configuration is compared with.
 */
export async function causeEverything(system: System): Promise<void> {
  for (const stage of [
    talk,
    moderate,
    sendLater,
    shareFiles,
    move,
    causeAnswers,
    signInOtherwise,
    failSignIns,
    failOnOurSide,
    search,
    loseWork,
    expireChats,
    poison,
    replay,
  ]) {
    // Signed in anew each time, as stages let hours pass.
    await stage(system, await system.signIn("ada@everything.test"));
    system.clearFaults();
  }
  await system.operator.post("/v1/operator/keys/rotations", { graceSeconds: 900 });
  for (const name of Object.keys(manifest.schedules)) await system.runSchedule(name);
  await system.settle();
}

/** Messages to somebody who is away: pushed to a device, and mailed about where there is none. */
async function talk(system: System, ada: Person): Promise<void> {
  const bob = await system.signIn("bob@everything.test");
  const direct = await newChat(ada, { kind: "direct", members: [bob.id] });
  await ada.api.post(`${pathOf(direct)}/messages`, { text: "Are you there?" });
  await pass(system, roundMs(2));
  await pass(system, UNREAD_MS);
  await bob.api.put("/v1/apps/demo/devices/phone", { pushToken: "everything:token", platform: "android" });
  await ada.api.post(`${pathOf(direct)}/messages`, { text: "Call me." });
  await pass(system, roundMs(2));
  // Who is online is told later, if then they still have not read.
  const presence = await fetch(`${system.url}/v1/apps/demo/events`, {
    headers: { authorization: `Bearer ${bob.session.accessToken}` },
  });
  const reader = presence.body?.getReader();
  await reader?.read();
  await system.settle();
  await ada.api.post(`${pathOf(direct)}/messages`, { text: "There you are." });
  await pass(system, roundMs(2));
  await reader?.cancel();
  await ada.api.get(`${chats}?limit=1`);
  await system.client().get("/v1/no/such/route");
  await system.client().get("/readyz");
}

/** A message that the app's own hook hides, once it has failed. */
async function moderate(system: System, ada: Person): Promise<void> {
  await using hook = new HookServer();
  const url = await hook.start();
  const { body } = await system.operator.post("/v1/apps/demo/moderation/secrets", {});
  hook.secrets = [body.secret];
  hook.verdict = () => ({ decision: "hide" });
  await system.operator.patch("/v1/apps/demo", { settings: { moderation: { url } } });
  const chat = await newChat(ada, { kind: "group" });
  hook.reply = (_, response) => void response.writeHead(500).end();
  await ada.api.post(`${pathOf(chat)}/messages`, { text: "Judge me" });
  await system.settle();
  hook.reply = undefined;
  await pass(system, 60_000);
  await system.operator.patch("/v1/apps/demo", { settings: { moderation: { url: null } } });
}

/**
 * Images that messages hold before they are checked, one by a check and one by who looks for it, and a text
 * whose upload nobody is told of.
 */
async function shareFiles(system: System, ada: Person): Promise<void> {
  const bytes = Buffer.from(DOT, "base64");
  const dot = { name: "dot.gif", type: "image/gif", bytes };
  const chat = await newChat(ada, { kind: "group" });
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  system.fault({ service: "pubsub", method: "Push", kind: "held", until, count: Number.POSITIVE_INFINITY });
  const { id } = await uploadFile(ada.api, dot);
  await ada.api.post(`${pathOf(chat)}/messages`, { files: [id] });
  await uploadFile(ada.api, { name: "notes.txt", type: "text/plain", bytes: Buffer.from("Notes") });
  system.suite.kernel.clock.advance(UPLOAD_LOOK_MS + 1_000);
  await system.runSchedule("tend-files");
  system.clearFaults();
  release();
  await system.settle();
  await ada.api.get(`/v1/apps/demo/files/${id}/content`);
  await ada.api.delete(`/v1/apps/demo/files/${id}`);
  await system.runSchedule("tend-files");
}

const DOT = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

const inSeconds = (system: System, seconds: number): string =>
  new Date(system.suite.kernel.clock.now() + seconds * 1000).toISOString();

/** Chats out of a file of which something can't be kept; by an owner too, who may say who is whom. */
async function move(system: System, ada: Person): Promise<void> {
  const lines = [JSON.stringify({ chat: "Old", text: "Hello", email: "bob@everything.test" }), "{"].join(
    "\n",
  );
  const file = { name: "old.jsonl", type: "text/plain", bytes: Buffer.from(lines) };
  for (const api of [ada.api, system.operator]) {
    const { id } = await uploadFile(api, file);
    await system.settle();
    await api.post("/v1/apps/demo/imports", { file: id });
    await pass(system, 60_000);
  }
}

/** Questions in each lane, asked at a time of their own, and judged by the app's own hook. */
async function sendLater(system: System, ada: Person): Promise<void> {
  await using hook = new HookServer();
  const url = await hook.start();
  const { body } = await system.operator.post("/v1/apps/demo/moderation/secrets", {});
  hook.secrets = [body.secret];
  await system.operator.patch("/v1/apps/demo", { settings: { moderation: { url, mode: "before" } } });
  const chat = await newChat(ada, { kind: "assistant" });
  for (const text of ["Hello?", SLOW_QUESTION]) {
    await ada.api.post(`${pathOf(chat)}/messages`, { text, sendAt: inSeconds(system, 1) });
  }
  await sendFileLater(system, ada);
  await pass(system, 2_000);
  await system.operator.patch("/v1/apps/demo", { settings: { moderation: { url: null, mode: "after" } } });
}

/** A file that nobody has begun to check by the time at which its message is sent. */
async function sendFileLater(system: System, ada: Person): Promise<void> {
  const notes = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("Notes") };
  const { id } = await uploadFile(ada.api, notes);
  await system.settle();
  const chat = await newChat(ada, { kind: "group" });
  await ada.api.post(`${pathOf(chat)}/messages`, { files: [id], sendAt: inSeconds(system, 1) });
  await system.deps.firestore.doc(`apps/demo/files/${id}`).update({ status: "pending" });
}

/** Through Firebase Authentication. */
async function signInOtherwise(system: System): Promise<void> {
  const kit: AdminApp = initializeApp({ projectId: system.project }, `everything-${system.project}`);
  const { uid } = await getAuth(kit).createUser({ email: "carol@everything.test", emailVerified: true });
  await deleteApp(kit);
  const idToken = unsignedToken(system, uid, { email: "carol@everything.test" });
  await system.client().post("/v1/apps/demo/auth/sessions/exchange", { idToken });
}

/** Wrong codes until the address is locked, a forged token, and a refresh token that comes twice. */
async function failSignIns(system: System, ada: Person): Promise<void> {
  const anyone = system.client();
  for (let count = 0; count < FAILURES_MAX; count += 1) {
    const { body } = await anyone.post("/v1/apps/demo/auth/codes", { email: "dave@everything.test" });
    await anyone.post("/v1/apps/demo/auth/sessions", { challenge: body.challenge, code: "000000" });
  }
  await system.client({ authorization: `Bearer ${ada.session.accessToken.slice(0, -8)}AAAAAAAA` }).get(chats);
  const thief = await system.signIn("erin@everything.test");
  const { refreshToken } = thief.session;
  await anyone.post("/v1/apps/demo/auth/refresh", { refreshToken });
  await pass(system, 120_000);
  await anyone.post("/v1/apps/demo/auth/refresh", { refreshToken });
}

/** Firestore commits nothing more, to a fork half-way and to a schedule; the fork's task finishes it. */
async function failOnOurSide(system: System, ada: Person): Promise<void> {
  const chat = await newChat(ada, { kind: "group" });
  for (let count = 1; count <= 3; count += 1) {
    await ada.api.post(`${pathOf(chat)}/messages`, { text: `${count}` });
  }
  await system.settle();
  // A status that Google's client does not try again by itself.
  const late = { service: "firestore", method: "Commit", kind: "before", code: "DEADLINE_EXCEEDED" } as const;
  // Its number may be taken in a commit of its own before the one that creates it.
  system.fault({ ...late, skip: 2, count: 1_000 });
  await ada.api.post(`${pathOf(chat)}/forks`, { at: 3 });
  await system.runSchedule("reconcile").catch(() => undefined);
  system.clearFaults();
  await pass(system, FORK_TASK_DELAY_MS);
}

/**
 * An index that is asked, renewed as members change, found wrong, and rebuilt by a task that had died before.
 */
async function search(system: System, ada: Person): Promise<void> {
  const chat = await newChat(ada, { kind: "group" });
  await ada.api.post(`${pathOf(chat)}/messages`, { text: "An elephant" });
  await system.settle();
  await ada.api.get("/v1/apps/demo/search?q=elephant");
  const bob = await system.signIn("bob@everything.test");
  await ada.api.put(`${pathOf(chat)}/members/${bob.id}`);
  await system.settle();
  const entries = system.deps.firestore.collection("apps/demo/search").where("chat", "==", chat);
  for (const { ref } of (await entries.get()).docs) await ref.delete();
  await pass(system, GRACE_MS);
  await system.runSchedule("audit-search");
  await system.settle();
  system.fault({ service: "tasks", method: "Dispatch", kind: "before", count: 1_000 });
  const { body } = await system.operator.post("/v1/operator/apps/demo/search/rebuilds");
  await deliver(system, "index-messages", { app: "demo", rebuild: body.id, lane: 0, step: 2 });
  system.clearFaults();
  await pass(system, 60_000);
}

/**
 * Events that were never published, an answer that was never enqueued, a counter that is behind, a message
 * that is gone.
 */
async function loseWork(system: System, ada: Person): Promise<void> {
  const lost = { kind: "before", code: "PERMISSION_DENIED", count: 100 } as const;
  system.fault({ service: "pubsub", method: "Publish", ...lost });
  system.fault({ service: "tasks", method: "CreateTask", ...lost });
  const chat = await newChat(ada, { kind: "assistant" });
  await ada.api.post(`${pathOf(chat)}/messages`, { text: "Lost?" });
  await ada.api.post(`${pathOf(chat)}/messages`, { text: SLOW_QUESTION });
  const other = await newChat(ada, { kind: "group" });
  await ada.api.post(`${pathOf(other)}/messages`, { text: "One" });
  await ada.api.post(`${pathOf(other)}/messages`, { text: "Two" });
  await ada.api.post(`${pathOf(other)}/messages`, { text: "Later", sendAt: inSeconds(system, 1) });
  await ada.api.post("/v1/apps/demo/exports", {});
  system.clearFaults();
  const stored = system.deps.firestore.doc(`apps/demo/chats/${other}`);
  const first = await stored.collection("messages").where("number", "==", 1).get();
  await first.docs[0]?.ref.delete();
  // Both schedules find what was lost: what the first one publishes is delivered after the second has looked.
  system.suite.kernel.clock.advance(GRACE_MS + 1_000);
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  system.fault({ service: "pubsub", method: "Push", kind: "held", until, count: Number.POSITIVE_INFINITY });
  await system.runSchedule("audit-search");
  await system.runSchedule("reconcile");
  system.clearFaults();
  release();
  await system.settle();
  await system.runSchedule("audit");
  await pass(system, 2 * LEASE_MS + 60_000);
  await system.runSchedule("recover-answers");
  await system.runSchedule("recover-scheduled");
  await system.runSchedule("recover-jobs");
  await pass(system, 60_000);
}

async function expireChats(system: System, ada: Person): Promise<void> {
  await system.operator.patch("/v1/apps/demo", { settings: { retention: { temporaryDays: 1 } } });
  const chat = await newChat(ada, { kind: "group", temporary: true });
  await ada.api.post(`${pathOf(chat)}/messages`, { text: "For a day" });
  await system.settle();
  system.suite.kernel.clock.advance(3 * DAY_MS);
  await system.runSchedule("expire-chats");
  await system.runSchedule("tend-files");
  await system.settle();
  system.suite.kernel.clock.advance(-3 * DAY_MS);
}

/** Payloads that no function can understand. */
async function poison(system: System): Promise<void> {
  const message = { data: Buffer.from("{}").toString("base64"), messageId: "1", attributes: {} };
  for (const [name, { trigger }] of Object.entries(manifest.functions)) {
    if (trigger === "http") continue;
    await deliver(system, name, trigger === "event" ? { message, subscription: "poison" } : []);
  }
  await system.settle();
}

/**
 * Every dead letter is delivered again, one by one and then all; a job whose task was lost is taken up, by a
 * version that does not know its kind any more.
 */
async function replay(system: System): Promise<void> {
  const letters = "/v1/operator/dead-letters";
  const { body } = await system.operator.get(`${letters}?limit=100`);
  for (const { id } of body.data) await system.operator.post(`${letters}/${id}/replay`);
  await pass(system, 60_000);
  await system.operator.post(`${letters}/replay-all`, { perSecond: 50 });
  await pass(system, 60_000);
  system.fault({
    service: "tasks",
    method: "CreateTask",
    kind: "before",
    code: "PERMISSION_DENIED",
    count: 3,
  });
  const { body: job } = await system.operator.post(`${letters}/replay-all`, { perSecond: 50 });
  system.clearFaults();
  await jobsOf(system.deps.firestore).doc(job.id).update({ kind: "of-yesterday" });
  await pass(system, 10 * 60_000);
  await system.runSchedule("recover-jobs");
  await pass(system, 60_000);
}

/** As a queue would, with the invoker's token. */
async function deliver(system: System, name: string, body: unknown): Promise<void> {
  const url = `${system.functionsUrl}/${name}`;
  const token = await system.suite.oidc.mintIdToken({ audience: url, email: invokerEmail(system.project) });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

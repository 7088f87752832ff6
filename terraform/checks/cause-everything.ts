import { type App as AdminApp, deleteApp, initializeApp } from "firebase-admin/app";
import { getAuth } from "firebase-admin/auth";
import { readManifest } from "../../emulators/manifest.ts";
import { invokerEmail } from "../../emulators/suite.ts";
import { LEASE_MS } from "../../shared/assistant/claim-answer.ts";
import { FORK_TASK_DELAY_MS } from "../../shared/chat/fork-chat.ts";
import { GRACE_MS } from "../../shared/chat/reconcile-changes.ts";
import { FAILURES_MAX } from "../../shared/identity/lockout.ts";
import { roundMs } from "../../shared/notify/announce-messages.ts";
import { UNREAD_MS } from "../../shared/notify/unread-mail.ts";
import type { Person, System } from "../../shared/testing/start-system.ts";

const chats = "/v1/apps/demo/chats";
/** Models that answer at once: what is looked at is what they cause. */
const PACE = { firstTokenMs: 1, tokensPerSecond: 20_000 } as const;
const PRICE = { inputMicros: 1_000_000, outputMicros: 2_000_000 };
const SLOW_QUESTION =
  "Write a detailed essay that compares three database designs step by step, with code for each and a plan.";
const DAY_MS = 24 * 3600 * 1000;
const manifest = readManifest("functions/manifest.json");

/**
 * Makes a system do everything that its functions ever do, and suffer everything that alerts tell of. What it logs and calls
 * meanwhile is what the configuration is compared with.
 */
export async function causeEverything(system: System): Promise<void> {
  system.suite.model.change(PACE);
  const failing = await beginFailingFork(system, await system.signIn("ada@everything.test"));
  for (const stage of [
    talk,
    askModels,
    breakModels,
    spendBudget,
    signInOtherwise,
    failSignIns,
    failing,
    loseWork,
    expireChats,
    poison,
    failOnOurSide,
  ]) {
    // Signed in anew each time, as stages let hours pass.
    await stage(system, await system.signIn("ada@everything.test"));
    system.clearFaults();
  }
  await system.operator.post("/v1/operator/keys/rotations", { graceSeconds: 900 });
  for (const name of Object.keys(manifest.schedules)) await system.runSchedule(name);
  await system.settle();
  system.suite.model.reset();
}

const path = (chat: number): string => `${chats}/${chat}`;

async function newChat(person: Person, draft: object): Promise<number> {
  return (await person.api.post(chats, draft)).body.number;
}

async function pass(system: System, ms: number): Promise<void> {
  system.suite.kernel.clock.advance(ms + 1_000);
  await system.settle();
}

/** Messages to somebody who is away: pushed to a device, and mailed about where there is none. */
async function talk(system: System, ada: Person): Promise<void> {
  const bob = await system.signIn("bob@everything.test");
  const direct = await newChat(ada, { kind: "direct", members: [bob.id] });
  await ada.api.post(`${path(direct)}/messages`, { text: "Are you there?" });
  await pass(system, roundMs(2));
  await pass(system, UNREAD_MS);
  await bob.api.put("/v1/apps/demo/devices/phone", { pushToken: "everything:token", platform: "android" });
  await ada.api.post(`${path(direct)}/messages`, { text: "Call me." });
  await pass(system, roundMs(2));
  // Who is online is told later, if then they still have not read.
  const presence = await fetch(`${system.url}/v1/apps/demo/events`, {
    headers: { authorization: `Bearer ${bob.session.accessToken}` },
  });
  const reader = presence.body?.getReader();
  await reader?.read();
  await system.settle();
  await ada.api.post(`${path(direct)}/messages`, { text: "There you are." });
  await pass(system, roundMs(2));
  await reader?.cancel();
  await ada.api.get(`${chats}?limit=1`);
  await system.client().get("/v1/no/such/route");
}

/** One answer in each lane, one for a caller who accepts a stream, and a conversation long enough to be summarised. */
async function askModels(system: System, ada: Person): Promise<void> {
  const chat = await newChat(ada, { kind: "assistant" });
  const ask = (text: string) => ada.api.post(`${path(chat)}/messages`, { text });
  await ask("What is 12 times 7?");
  await system.settle();
  await ask(SLOW_QUESTION);
  await pass(system, 60_000);
  const stream = await fetch(`${system.url}${path(chat)}/messages`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ada.session.accessToken}`,
      "content-type": "application/json",
      accept: "text/event-stream",
    },
    body: JSON.stringify({ text: "What is 2 plus 2?" }),
  });
  await stream.text();
  await talkAtLength(system, ada, "repeat after me:");
  await talkAtLength(system, ada, SLOW_QUESTION);
}

async function talkAtLength(system: System, ada: Person, question: string): Promise<void> {
  const chat = await newChat(ada, { kind: "assistant" });
  const long = "We agreed that the blue boat leaves on Thursday. ".repeat(250);
  for (let turn = 0; turn < 3; turn += 1) {
    await ada.api.post(`${path(chat)}/messages`, { text: `${question} ${turn} ${long}` });
    await pass(system, 60_000);
  }
}

/** Models that fail until they are not asked any more, and questions that wait for them meanwhile. */
async function breakModels(system: System, ada: Person): Promise<void> {
  system.suite.model.change({ fault: "500" });
  const chat = await newChat(ada, { kind: "assistant" });
  for (let turn = 0; turn <= system.deps.config.circuit.failuresMax + 1; turn += 1) {
    for (const question of [`What is ${turn} plus 3?`, `${SLOW_QUESTION} Part ${turn}.`]) {
      await ada.api.post(`${path(chat)}/messages`, { text: question });
      await pass(system, 1_000);
    }
  }
  system.suite.model.reset();
  system.suite.model.change(PACE);
  await pass(system, 10 * 60_000);
}

/** An app that may spend next to nothing. */
async function spendBudget(system: System, ada: Person): Promise<void> {
  const spend = (appPerDay: number | null) =>
    system.operator.patch("/v1/apps/demo", {
      settings: {
        assistant: { prices: { "emulated-small": PRICE }, budgets: { appPerDay, personPerDay: null } },
      },
    });
  await spend(0);
  const chat = await newChat(ada, { kind: "assistant" });
  await ada.api.post(`${path(chat)}/messages`, { text: "What is 5 plus 5?" });
  await pass(system, 60_000);
  await spend(null);
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Through Firebase Authentication. */
async function signInOtherwise(system: System): Promise<void> {
  const kit: AdminApp = initializeApp({ projectId: system.project }, `everything-${system.project}`);
  const { uid } = await getAuth(kit).createUser({ email: "carol@everything.test", emailVerified: true });
  await deleteApp(kit);
  const now = Math.ceil(system.suite.kernel.clock.now() / 1000);
  const claims = {
    iss: `https://securetoken.google.com/${system.project}`,
    aud: system.project,
    auth_time: now,
    iat: now,
    exp: now + 3600,
    sub: uid,
    user_id: uid,
    email: "carol@everything.test",
    email_verified: true,
    firebase: { identities: {}, sign_in_provider: "google.com" },
  };
  const idToken = `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
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

/**
 * A fork for which Firestore answers no query half-way: it is given up after some seconds, during which other things happen. What is
 * handed back waits for that, and lets the fork's task finish it.
 */
async function beginFailingFork(system: System, ada: Person): Promise<() => Promise<void>> {
  const chat = await newChat(ada, { kind: "group" });
  for (let count = 1; count <= 12; count += 1) {
    await ada.api.post(`${path(chat)}/messages`, { text: `${count}` });
  }
  await system.settle();
  const match = `${system.project}/databases/(default)/documents/apps/demo/chats/${chat}`;
  const denied = { kind: "before", code: "PERMISSION_DENIED", skip: 1, count: 1_000, match } as const;
  system.fault({ service: "firestore", method: "RunQuery", ...denied });
  const failing = ada.api.post(`${path(chat)}/forks`, { at: 12 });
  return async () => {
    await failing;
    system.suite.kernel.faults.clear(match);
    await pass(system, FORK_TASK_DELAY_MS);
  };
}

/** Firestore refuses reads, to a request and to a schedule. */
async function failOnOurSide(system: System, ada: Person): Promise<void> {
  const denied = { kind: "before", code: "PERMISSION_DENIED", count: 40 } as const;
  system.fault({ service: "firestore", method: "BatchGetDocuments", ...denied });
  await ada.api.get(`${chats}?limit=1`);
  await system.runSchedule("reconcile").catch(() => undefined);
}

/** Events that were never published, an answer that was never enqueued, a counter that is behind, a message that is gone. */
async function loseWork(system: System, ada: Person): Promise<void> {
  const lost = { kind: "before", code: "PERMISSION_DENIED", count: 100 } as const;
  system.fault({ service: "pubsub", method: "Publish", ...lost });
  system.fault({ service: "tasks", method: "CreateTask", ...lost });
  const chat = await newChat(ada, { kind: "assistant" });
  await ada.api.post(`${path(chat)}/messages`, { text: "Lost?" });
  await ada.api.post(`${path(chat)}/messages`, { text: SLOW_QUESTION });
  const other = await newChat(ada, { kind: "group" });
  await ada.api.post(`${path(other)}/messages`, { text: "One" });
  await ada.api.post(`${path(other)}/messages`, { text: "Two" });
  system.clearFaults();
  const stored = system.deps.firestore.doc(`apps/demo/chats/${other}`);
  const first = await stored.collection("messages").where("number", "==", 1).get();
  await first.docs[0]?.ref.delete();
  await pass(system, GRACE_MS);
  await system.runSchedule("reconcile");
  await system.runSchedule("audit");
  await pass(system, 2 * LEASE_MS + 60_000);
  await system.runSchedule("recover-answers");
  await pass(system, 60_000);
}

async function expireChats(system: System, ada: Person): Promise<void> {
  await system.operator.patch("/v1/apps/demo", { settings: { retention: { temporaryDays: 1 } } });
  const chat = await newChat(ada, { kind: "group", temporary: true });
  await ada.api.post(`${path(chat)}/messages`, { text: "For a day" });
  await system.settle();
  system.suite.kernel.clock.advance(3 * DAY_MS);
  await system.runSchedule("expire-chats");
  await system.settle();
  system.suite.kernel.clock.advance(-3 * DAY_MS);
}

/** What no function that queues call can ever understand, delivered as the queue would. */
async function poison(system: System): Promise<void> {
  for (const [name, { trigger }] of Object.entries(manifest.functions)) {
    if (trigger === "http") continue;
    const url = `${system.functionsUrl}/${name}`;
    const token = await system.suite.oidc.mintIdToken({ audience: url, email: invokerEmail(system.project) });
    const message = { data: Buffer.from("not JSON").toString("base64"), messageId: "1", attributes: {} };
    const body = trigger === "event" ? { message, subscription: "poison" } : [];
    await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }
  await system.settle();
}

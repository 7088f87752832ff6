import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import {
  SCHEDULE_AHEAD_MS_MAX,
  SCHEDULED_BY_PERSON_MAX,
  SCHEDULED_IN_CHAT_MAX,
} from "../../../shared/chat/scheduled/schedule-message.ts";
import { LOST_MS } from "../../../shared/chat/scheduled/recover-scheduled.ts";
import type { ApiClient, ApiReply } from "../../../shared/testing/api-client.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { HookServer } from "../../../shared/testing/hook-server.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat, type TestChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * Messages that are sent at a time of their writer's: scheduling, changing, sending and what fails of each,
 * which are one life and share its helpers.
 */

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@later.test", "bob@later.test");

const app = "/v1/apps/demo";
const SOON_MS = 5_000;
const inMs = (ms: number, of: System = system): string =>
  new Date(of.suite.kernel.clock.now() + ms).toISOString();
const schedule = (
  api: ApiClient,
  { path }: TestChat,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<ApiReply> =>
  api.post(`${path}/messages`, { text: "Good morning", sendAt: inMs(SOON_MS), ...body }, headers);
const listOf = async (api: ApiClient, { path }: TestChat): Promise<{ status: string; reason?: string }[]> =>
  (await api.get(`${path}/scheduled`)).body.data;
const textsOf = async (api: ApiClient, { path }: TestChat): Promise<string[]> =>
  (await api.get(`${path}/messages`)).body.data.map(({ text }: { text: string }) => text);
/** Some seconds pass, and what is due then is done. */
async function pass(ms = SOON_MS + 1, of: System = system): Promise<void> {
  await of.settle();
  of.suite.kernel.clock.advance(ms);
  await of.settle();
}
const fresh = async (name: string): Promise<Person> => system.signIn(`${name}@later.test`);

describe("a scheduled message", () => {
  test("is shown to its writer alone until its time, and is sent once then as theirs", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    const { status, body } = await schedule(ada.api, chat, { metadata: { kind: "greeting" } });
    expect(status).toBe(202);
    expect(body).toMatchObject({ chat: chat.number, text: "Good morning", status: "scheduled" });
    expect(await listOf(ada.api, chat)).toEqual([body]);
    expect(await listOf(bob.api, chat)).toEqual([]);
    expect(await textsOf(bob.api, chat)).toEqual([]);
    await pass();
    const { data } = (await bob.api.get(`${chat.path}/messages`)).body;
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({ text: "Good morning", metadata: { kind: "greeting" } });
    expect(data[0].sender).toEqual({ id: ada.id });
    expect(await listOf(ada.api, chat)).toEqual([]);
    await system.runSchedule("recover-scheduled");
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual(["Good morning"]);
  });

  test("replies, and is answered by the model of its chat", async () => {
    const chat = await startChat(ada.api, { kind: "assistant", texts: ["What is 1 + 1?"] });
    await schedule(ada.api, chat, { text: "What is 2 + 2?", replyTo: 1 });
    await pass();
    const { data } = (await ada.api.get(`${chat.path}/messages`)).body;
    expect(data.map(({ role }: { role: string }) => role).sort()).toEqual([
      "assistant",
      "assistant",
      "user",
      "user",
    ]);
    expect(data.find(({ text }: { text: string }) => text === "What is 2 + 2?").replyTo).toBe(1);
  });

  test("holds files, which are kept until it is sent, and go when it is taken back", async () => {
    await using own = await startSystem();
    const DAY_MS = 24 * 3600 * 1000;
    const writer = await own.signIn("ann@later.test");
    const chat = await startChat(writer.api, { kind: "group" });
    const upload = async (): Promise<string> => {
      const draft = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("Some notes") };
      const { id } = await uploadFile(writer.api, draft);
      await own.settle();
      return id;
    };
    const [sent, taken] = [await upload(), await upload()];
    const sendAt = inMs(3 * DAY_MS, own);
    const { body } = await schedule(writer.api, chat, { files: [sent], sendAt });
    expect(body).toMatchObject({ files: [sent], status: "scheduled" });
    const other = await schedule(writer.api, chat, { files: [taken], sendAt });
    await writer.api.delete(`${chat.path}/scheduled/${other.body.id}`);
    await pass(2 * DAY_MS, own);
    await own.runSchedule("tend-files");
    const isThere = async (id: string): Promise<boolean> =>
      (await own.deps.firestore.doc(`apps/demo/files/${id}`).get()).exists;
    expect([await isThere(taken), await isThere(sent)]).toEqual([false, true]);
    await pass(DAY_MS + 1, own);
    const { data } = (await own.operator.get(`${chat.path}/messages`)).body;
    expect(data).toMatchObject([{ text: "Good morning", files: [{ id: sent, status: "ready" }] }]);
    const stored = await own.deps.firestore.doc(`apps/demo/files/${sent}`).get();
    expect([stored.get("scheduled"), stored.get("chats")]).toEqual([[], { [chat.number]: [1] }]);
    own.suite.kernel.clock.advance(-3 * DAY_MS - 1);
  });

  test("is refused with files of somebody else", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    const draft = { name: "notes.txt", type: "text/plain", bytes: Buffer.from("Some notes") };
    const { id } = await uploadFile(bob.api, draft);
    expect((await schedule(ada.api, chat, { files: [id] })).status).toBe(400);
    expect(await listOf(ada.api, chat)).toEqual([]);
  });

  test("takes another text and time until it is sent, sooner or later", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    const later = (await schedule(ada.api, chat)).body;
    const sooner = (await schedule(ada.api, chat, { sendAt: inMs(10 * SOON_MS) })).body;
    const path = `${chat.path}/scheduled`;
    await ada.api.patch(`${path}/${later.id}`, { sendAt: inMs(5 * SOON_MS), text: "Later" });
    const changed = await ada.api.patch(`${path}/${sooner.id}`, { sendAt: inMs(SOON_MS) });
    expect(changed.body).toMatchObject({ id: sooner.id, text: "Good morning", status: "scheduled" });
    await ada.api.patch(`${path}/${sooner.id}`, { text: "Sooner" });
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual(["Sooner"]);
    expect((await ada.api.patch(`${path}/${sooner.id}`, { text: "Too late" })).status).toBe(409);
    expect((await ada.api.delete(`${path}/${sooner.id}`)).status).toBe(409);
    await pass(4 * SOON_MS);
    expect((await textsOf(bob.api, chat)).sort()).toEqual(["Later", "Sooner"]);
  });

  test("is cancelled until it is sent, and by nobody else", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    const { body } = await schedule(ada.api, chat);
    const path = `${chat.path}/scheduled/${body.id}`;
    const other = await startChat(ada.api);
    for (const refused of [
      await bob.api.delete(path),
      await bob.api.patch(path, { text: "Mine" }),
      await ada.api.delete(`${other.path}/scheduled/${body.id}`),
      await ada.api.delete(`${chat.path}/scheduled/${"0".repeat(26)}`),
    ]) {
      expect(refused.status).toBe(404);
    }
    expect((await ada.api.delete(path)).status).toBe(204);
    expect((await ada.api.delete(path)).status).toBe(204);
    expect((await ada.api.patch(path, { text: "Again" })).status).toBe(404);
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual([]);
    const stored = await system.deps.firestore.doc(`apps/demo/scheduled/${body.id}`).get();
    expect(stored.get("draft")).toEqual({});
  });

  test("of one key is one, answered alike after it was sent and after it was cancelled", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    const sendAt = inMs(SOON_MS);
    const key = { "idempotency-key": "later" };
    const made = await Promise.all([1, 2, 3].map(() => schedule(ada.api, chat, { sendAt }, key)));
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    expect((await schedule(ada.api, chat, { sendAt, text: "Other" }, key)).status).toBe(422);
    await pass();
    const again = await schedule(ada.api, chat, { sendAt }, key);
    expect([again.status, again.body.id, again.body.text]).toEqual([202, made[0]?.body.id, "Good morning"]);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual(["Good morning"]);
  });

  test("lies ahead by up to thirty days, and is what a person may send", async () => {
    const chat = await startChat(ada.api);
    for (const refused of [
      { sendAt: inMs(-1) },
      { sendAt: inMs(SCHEDULE_AHEAD_MS_MAX + SOON_MS) },
      { sendAt: "tomorrow" },
      { sendAt: inMs(SOON_MS), after: 0 },
      { sendAt: inMs(SOON_MS), text: "" },
    ]) {
      expect((await schedule(ada.api, chat, refused)).status).toBe(400);
    }
    const farthest = await schedule(ada.api, chat, { sendAt: inMs(SCHEDULE_AHEAD_MS_MAX - 1000) });
    expect(farthest.status).toBe(202);
    const path = `${chat.path}/scheduled/${farthest.body.id}`;
    expect((await ada.api.patch(path, { sendAt: inMs(-1) })).status).toBe(400);
    expect((await ada.api.patch(path, {})).status).toBe(400);
    expect((await schedule(bob.api, chat)).status).toBe(404);
    const server = await system.operator.post(`${chat.path}/messages`, {
      text: "x",
      sendAt: inMs(SOON_MS),
    });
    expect(server.status).toBe(400);
  });

  test("is one of a limited number in a chat and in all, also for many at once", async () => {
    const kim = await fresh("kim");
    const chats = await Promise.all(
      Array.from({ length: SCHEDULED_BY_PERSON_MAX / SCHEDULED_IN_CHAT_MAX + 1 }, () => startChat(kim.api)),
    );
    const sendAt = inMs(SCHEDULE_AHEAD_MS_MAX - SOON_MS);
    const stored = (await schedule(kim.api, chats[0] as TestChat, { sendAt })).body;
    const scheduled = system.deps.firestore.collection("apps/demo/scheduled");
    const template = (await scheduled.doc(stored.id).get()).data() ?? {};
    await Promise.all(
      Array.from({ length: SCHEDULED_IN_CHAT_MAX - 2 }, (_, index) =>
        scheduled.doc(`kim-${index}`).set({ ...template }),
      ),
    );
    const atOnce = await Promise.all(
      [1, 2, 3].map(() => schedule(kim.api, chats[0] as TestChat, { sendAt })),
    );
    expect(atOnce.map(({ status }) => status).sort((a, b) => a - b)).toEqual([202, 409, 409]);
    await kim.api.delete(`${chats[0]?.path}/scheduled/${stored.id}`);
    expect((await schedule(kim.api, chats[0] as TestChat, { sendAt })).status).toBe(202);
    await Promise.all(
      Array.from({ length: SCHEDULED_BY_PERSON_MAX - SCHEDULED_IN_CHAT_MAX }, (_, index) =>
        scheduled.doc(`kim-more-${index}`).set({ ...template, chat: chats[1 + (index % 4)]?.number }),
      ),
    );
    expect((await schedule(kim.api, chats.at(-1) as TestChat, { sendAt })).status).toBe(409);
    expect(await listOf(kim.api, chats[0] as TestChat)).toHaveLength(SCHEDULED_IN_CHAT_MAX);
  });
});

describe("is not sent, and says so in the list,", () => {
  test.each([
    [
      "when its writer was removed from the chat",
      (lea: Person, chat: TestChat) => ada.api.delete(`${chat.path}/members/${lea.id}`),
      "not_allowed",
    ],
    [
      "when its writer was disabled",
      (lea: Person) => system.operator.put(`${app}/users/${lea.id}/disabled`),
      "account_ended",
    ],
    [
      "when what it replies to was deleted",
      (_: Person, chat: TestChat) => ada.api.delete(`${chat.path}/messages/1`),
      "invalid",
    ],
  ])("%s", async (_name, happen, reason) => {
    const lea = await fresh(`lea.${reason.replace("_", "-")}`);
    const chat = await startChat(ada.api, { members: [lea], texts: ["First"] });
    const { body } = await schedule(lea.api, chat, { replyTo: 1 });
    expect((await happen(lea, chat)).status).toBeLessThan(300);
    await pass();
    expect(await textsOf(ada.api, chat)).not.toContain("Good morning");
    const stored = await system.deps.firestore.doc(`apps/demo/scheduled/${body.id}`).get();
    expect([stored.get("status"), stored.get("reason"), stored.get("dueAt")]).toEqual([
      "failed",
      reason,
      null,
    ]);
    if (reason === "account_ended") return;
    expect(await listOf(lea.api, chat)).toMatchObject([{ id: body.id, status: "failed", reason }]);
  });

  test("when the app's own hook refuses it", async () => {
    await using hook = new HookServer();
    const url = await hook.start();
    const { body: secret } = await system.operator.post(`${app}/moderation/secrets`, {});
    hook.secrets = [secret.secret];
    hook.verdict = () => ({ decision: "refuse", reason: "Not here" });
    await system.operator.patch(app, { settings: { moderation: { url, mode: "before" } } });
    const ray = await fresh("ray");
    const chat = await startChat(ray.api, { members: [bob] });
    await schedule(ray.api, chat);
    await pass();
    await system.operator.patch(app, { settings: { moderation: { url: null } } });
    expect(await listOf(ray.api, chat)).toMatchObject([{ status: "failed", reason: "refused" }]);
    expect(await textsOf(bob.api, chat)).toEqual([]);
  });

  test("when the other has blocked them, which it does not name; and again once they may", async () => {
    const mia = await fresh("mia");
    const chat = await startChat(mia.api, { kind: "direct", members: [ada] });
    const { body } = await schedule(mia.api, chat);
    await ada.api.put(`${app}/me/blocks/${mia.id}`);
    await pass();
    expect(await listOf(mia.api, chat)).toMatchObject([{ status: "failed", reason: "not_allowed" }]);
    await ada.api.delete(`${app}/me/blocks/${mia.id}`);
    const again = await mia.api.patch(`${chat.path}/scheduled/${body.id}`, { sendAt: inMs(SOON_MS) });
    expect([again.body.status, again.body.reason]).toEqual(["scheduled", undefined]);
    await pass();
    expect(await textsOf(ada.api, chat)).toEqual(["Good morning"]);
  });
});

describe("at the moment when it is sent", () => {
  test("several deliveries send it once", async () => {
    const ola = await fresh("ola");
    const chat = await startChat(ola.api, { members: [bob] });
    const { body } = await schedule(ola.api, chat);
    const payload = { app: "demo", id: body.id, version: 1 };
    system.suite.kernel.clock.advance(SOON_MS + 1);
    await Promise.all(
      ["a", "b", "c"].map((id) =>
        system.deps.tasks.enqueue({
          queue: "scheduled",
          function: "send-scheduled",
          id: [id, body.id],
          payload,
        }),
      ),
    );
    await system.settle();
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual(["Good morning"]);
  });

  test("a change or cancellation has one outcome: it holds, or it is refused and nothing of it holds", async () => {
    const pam = await fresh("pam");
    const chat = await startChat(pam.api, { members: [bob] });
    const outcomes: string[] = [];
    for (let round = 0; round < 12; round += 1) {
      const text = `Round ${round}`;
      const { body } = await schedule(pam.api, chat, { text });
      const path = `${chat.path}/scheduled/${body.id}`;
      await system.settle();
      system.suite.kernel.clock.advance(SOON_MS + 1);
      const isCancelled = round % 2 === 0;
      const [{ status }] = await Promise.all([
        isCancelled ? pam.api.delete(path) : pam.api.patch(path, { text: `${text} changed` }),
        system.settle(),
      ]);
      await pass();
      const sent = (await textsOf(bob.api, chat)).filter((said) => said.startsWith(text));
      const isChanged = status < 300;
      expect([200, 204, 409]).toContain(status);
      const kept = isCancelled ? [] : [`${text} changed`];
      expect([round, sent]).toEqual([round, isChanged ? kept : [text]]);
      outcomes.push(String(status));
    }
    expect(outcomes).toHaveLength(12);
  });
});

describe("nothing of it is left", () => {
  test("of a deleted chat, or of a person who was removed", async () => {
    const nel = await fresh("nel");
    const chat = await startChat(nel.api, { members: [ada] });
    await schedule(nel.api, chat);
    const kept = await startChat(ada.api, { members: [nel] });
    await schedule(nel.api, kept);
    const left = async () =>
      (await system.deps.firestore.collection("apps/demo/scheduled").where("createdBy", "==", nel.id).get())
        .size;
    expect(await left()).toBe(2);
    await nel.api.delete(chat.path);
    await system.settle();
    expect(await left()).toBe(1);
    await system.operator.delete(`${app}/users/${nel.id}`);
    expect(await left()).toBe(0);
    await pass();
    // No more than that they have left.
    expect(await textsOf(ada.api, kept)).toEqual([""]);
  });
});

describe("costs", () => {
  test("two reads and counts, a write and a task to schedule; two commits more to send", async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["Known"] });
    const scheduling = await system.meterRequest(() => schedule(ada.api, chat));
    expect(scheduling.billed).toEqual({ reads: 1 + 1 + 2, writes: 1, deletes: 0 });
    expect(scheduling.tasks).toBe(1);
    const list = await system.meterRequest(() => ada.api.get(`${chat.path}/scheduled`));
    expect(list.billed).toEqual({ reads: 1, writes: 0, deletes: 0 });
    await pass();
    expect(await textsOf(ada.api, chat)).toContain("Good morning");
  });
});

describe("a task that is lost", () => {
  test("is made up for a minute later", async () => {
    const chat = await startChat(ada.api, { members: [bob] });
    system.fault({ service: "tasks", method: "CreateTask", kind: "before", code: "UNAVAILABLE", count: 20 });
    const { status } = await schedule(ada.api, chat);
    system.clearFaults();
    expect(status).toBe(202);
    await pass();
    expect(await textsOf(bob.api, chat)).toEqual([]);
    await pass(LOST_MS);
    await system.runSchedule("recover-scheduled");
    await system.settle();
    expect(await textsOf(bob.api, chat)).toEqual(["Good morning"]);
  });
});

const KINDS: readonly FaultKind[] = ["before", "after", "drop"];
const CODES = ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL"] as const;
const TRIES_MAX = 6;

async function untilSuccess(run: () => Promise<ApiReply>): Promise<ApiReply> {
  for (let tries = 0; ; tries += 1) {
    const reply = await run();
    if (reply.status < 300) return reply;
    expect([500, 503, 504]).toContain(reply.status);
    if (tries === TRIES_MAX) throw new Error(`Still ${reply.status} after ${TRIES_MAX} repetitions.`);
  }
}

describe("each fault of each call", () => {
  /** Longer than a request takes that is repeated until it succeeds. */
  const LEAD_MS = 60_000;

  const casesOf = (rpcs: Readonly<Record<string, number>>) =>
    sweep(
      Object.entries(rpcs).flatMap(([rpc, times]) =>
        Array.from({ length: times }, (_, skip) =>
          KINDS.filter((kind) => kind !== "drop" || rpc === "firestore.Commit").map((kind) => ({
            rpc,
            skip,
            kind,
          })),
        ).flat(),
      ),
    );

  test("of scheduling and of sending leaves one message", { timeout: SWEEP_MS_MAX }, async () => {
    await using own = await startSystem();
    const dan = await own.signIn("dan@later.test");
    const chat = await startChat(dan.api, { texts: ["Known"] });
    let count = 1;
    const one = async (of: () => Promise<unknown>): Promise<void> => {
      await of();
      count += 1;
      expect(await textsOf(dan.api, chat)).toHaveLength(count);
      expect(await listOf(dan.api, chat)).toEqual([]);
    };
    const due = async (): Promise<void> => {
      await pass(LEAD_MS + 1, own);
      // What looks whether it was sent is not put to the test.
      own.clearFaults();
      for (let again = 0; again < TRIES_MAX && (await listOf(dan.api, chat)).length > 0; again += 1) {
        await pass(LOST_MS, own);
        await own.runSchedule("recover-scheduled");
        await own.settle();
      }
    };
    const renewed = async (): Promise<ApiClient> => (await own.signIn("dan@later.test")).api;
    let api = dan.api;
    const send = (key: string, sendAt: string) =>
      untilSuccess(() =>
        api.post(`${chat.path}/messages`, { text: key, sendAt }, { "idempotency-key": key }),
      );
    const fault = ({ rpc, skip, kind }: { rpc: string; skip: number; kind: FaultKind }, index: number) => {
      const [service = "", method = ""] = rpc.split(".");
      own.fault({ service, method, skip, kind, code: CODES[index % CODES.length] ?? "UNAVAILABLE" });
    };
    const scheduling = await own.meterRequest(() => send("model", inMs(LEAD_MS, own)));
    own.suite.kernel.meter.clear(own.project);
    await own.settle();
    own.suite.kernel.clock.advance(LEAD_MS + 1);
    await own.settle();
    const sending = own.suite.kernel.meter.read({ project: own.project });
    count += 1;
    expect(await textsOf(dan.api, chat)).toHaveLength(count);
    for (const [index, at] of casesOf(scheduling.rpcs).entries()) {
      api = await renewed();
      dan.api.get = api.get;
      await one(async () => {
        const sendAt = inMs(LEAD_MS, own);
        fault(at, index);
        await send(`schedule-${index}`, sendAt);
        own.clearFaults();
        await due();
      });
    }
    const { "pubsub.Push": _push, "tasks.Dispatch": _dispatch, ...rpcs } = sending.rpcs;
    for (const [index, at] of casesOf(rpcs).entries()) {
      api = await renewed();
      dan.api.get = api.get;
      await one(async () => {
        await send(`send-${index}`, inMs(LEAD_MS, own));
        await own.settle();
        fault(at, index);
        await due();
      });
    }
  });
});

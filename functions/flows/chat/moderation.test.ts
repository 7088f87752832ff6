import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CIRCUIT_FAILURES, CIRCUIT_OPEN_MS } from "../../../shared/chat/moderation/hook-circuit.ts";
import { HOOK_TRIES_MAX } from "../../../shared/chat/moderation/judge-stored.ts";
import { VERDICT_BYTES_MAX } from "../../../shared/chat/moderation/hook.ts";
import { HOOK_MS_MAX } from "../../../shared/identity/contract.ts";
import { HookServer, type Verdict } from "../../../shared/testing/hook-server.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { stayAtOneInstance } from "../../../shared/testing/use-system.ts";

/**
 * An app's own judge of messages, played by a server here that checks each signature. Long, as both modes,
 * each failure and each edit go through the one hook.
 */

const path = "/v1/apps/demo";
const chats = `${path}/chats`;

let system: System;
let hook: HookServer;
let url: string;
let ada: Person;
let eve: Person;
let admin: Person;
let chat: string;
let rounds = 0;

beforeAll(async () => {
  system = await startSystem();
  hook = new HookServer();
  url = await hook.start();
  hook.secrets = [await newSecret(system)];
  const { id } = await system.signIn("admin@example.test");
  await system.operator.patch(`${path}/users/${id}`, { role: "admin" });
  admin = await system.signIn("admin@example.test");
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await hook[Symbol.asyncDispose]();
});
beforeEach(async () => {
  rounds += 1;
  ada = await system.signIn(`ada-${rounds}@example.test`);
  eve = await system.signIn(`eve-${rounds}@example.test`);
  const { body } = await ada.api.post(chats, { kind: "direct", members: [eve.id] });
  chat = `${chats}/${body.number}`;
  hook.asked.length = 0;
  hook.verdict = ({ data }) => verdictOn(data.message.text);
  hook.reply = undefined;
});
afterEach(async () => {
  await system.settle();
  if (hook.unsigned.length > 0) throw new Error("A request was not signed with the secret.");
  await setHook({ url: null });
});

const verdictOn = (said: string): Verdict => {
  if (said.includes("venom")) return { decision: "hide", reason: "Poisonous" };
  if (said.includes("spam")) return { decision: "refuse", reason: "No advertising here." };
  if (said.includes("odd")) return { decision: "report", reason: "Look at this" };
  return { decision: "allow" };
};

async function newSecret(of: System): Promise<string> {
  const { status, body } = await of.operator.post(`${path}/moderation/secrets`, {});
  expect(status).toBe(201);
  return body.secret;
}
async function setHook(moderation: object, of = system): Promise<void> {
  const { status } = await of.operator.patch(path, { settings: { moderation } });
  expect(status).toBe(200);
}
const post = (said: string, key?: string, by = eve) =>
  by.api.post(`${chat}/messages`, { text: said }, key === undefined ? {} : { "idempotency-key": key });
const list = async (by = ada): Promise<{ number: number; text: string; hidden?: true }[]> =>
  (await by.api.get(`${chat}/messages`)).body.data;
const reports = async (): Promise<Record<string, unknown>[]> => {
  const number = Number(chat.slice(chat.lastIndexOf("/") + 1));
  const { body } = await admin.api.get(`${path}/reports?limit=100`);
  return body.data.filter((report: { message?: { chat: number } }) => report.message?.chat === number);
};
const judgements = async (): Promise<{ subject: string; details: Record<string, unknown> }[]> =>
  (await admin.api.get(`${path}/security-events?kind=message-judged&limit=100`)).body.data;

describe("the setting", () => {
  test("needs a secret first, and an address that can be called", async () => {
    const { id } = await system.createApp("Fresh");
    const set = (address: string) =>
      system.operator.patch(`/v1/apps/${id}`, { settings: { moderation: { url: address } } });
    const without = await set(url);
    expect([without.status, without.body.errors[0].path]).toEqual([400, "settings.moderation.url"]);
    await system.operator.post(`/v1/apps/${id}/moderation/secrets`, {});
    for (const address of [
      "http://hooks.example.com/",
      "https://169.254.169.254/",
      "https://[::ffff:10.0.0.1]/",
      "https://user:pass@example.com/",
      "ftp://example.com/",
      "nothing",
    ]) {
      expect([address, (await set(address)).status]).toEqual([address, 400]);
    }
    expect((await set(url)).status).toBe(200);
  });

  test("is the owner's, behind the second factor, and its secret is shown once", async () => {
    const change = { settings: { moderation: { mode: "before" } } };
    expect((await admin.api.patch(path, change)).status).toBe(403);
    expect((await admin.api.post(`${path}/moderation/secrets`, {})).status).toBe(403);
    const { id } = await system.signIn("owner@example.test");
    await system.operator.patch(`${path}/users/${id}`, { role: "owner" });
    const owner = await system.signIn("owner@example.test");
    await system.operator.patch(path, { settings: { secondFactor: "required" } });
    const refused = [
      await owner.api.patch(path, change),
      await owner.api.post(`${path}/moderation/secrets`, {}),
    ];
    expect(refused.map(({ body }) => body.code)).toEqual(["factor_required", "factor_required"]);
    await system.operator.patch(path, { settings: { secondFactor: "optional" } });
    await setHook({ url });
    const { body } = await owner.api.get(path);
    expect(body.settings.moderation).toMatchObject({ url, mode: "after", onFailure: "allow" });
    expect(JSON.stringify(body)).not.toContain("whsec_");
    expect((await admin.api.get(path)).body.settings.moderation).toBeUndefined();
    const stored = await system.deps.firestore.doc("apps/demo").get();
    expect(JSON.stringify(stored.data())).not.toContain(hook.secrets[0]?.slice("whsec_".length));
    expect((await owner.api.patch(path, { settings: { moderation: { timeoutMs: 5_001 } } })).status).toBe(
      400,
    );
  });

  test("goes over to a new secret with an overlap, and the same key makes no third", async () => {
    const [old = ""] = hook.secrets;
    const make = () =>
      system.operator.post(
        `${path}/moderation/secrets`,
        { overlapSeconds: 60 },
        { "idempotency-key": `secret-${rounds}` },
      );
    const made = await make();
    const again = await make();
    expect(again.body).toEqual(made.body);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    await setHook({ url, mode: "before" });
    // Who knows the old alone still takes what comes, and so does who knows the new alone.
    await post("Hello");
    hook.secrets = [made.body.secret];
    await post("Hello again");
    expect(hook.asked).toHaveLength(2);
    system.suite.kernel.clock.advance(61_000);
    hook.secrets = [old];
    await post("Too late for the old");
    expect(hook.unsigned.splice(0)).toHaveLength(1);
    hook.secrets = [made.body.secret];
  });
});

describe("before a message is stored", () => {
  beforeEach(() => setHook({ url, mode: "before", onFailure: "allow", timeoutMs: HOOK_MS_MAX }));

  test("the hook is asked what is said, by whom and where", async () => {
    await post("Good morning");
    const { body: other } = await ada.api.post(chats, { kind: "group" });
    const number = Number(chat.slice(chat.lastIndexOf("/") + 1));
    await ada.api.post(`${chats}/${other.number}/messages`, { forwardOf: { chat: number, message: 1 } });
    expect(hook.asked.map(({ type, data }) => ({ type, ...data }))).toEqual([
      {
        type: "message.judge",
        app: "demo",
        mode: "before",
        chat: { number, kind: "direct" },
        message: { sender: eve.id, text: "Good morning", isEdit: false },
      },
      {
        type: "message.judge",
        app: "demo",
        mode: "before",
        chat: { number: other.number, kind: "group" },
        message: { sender: ada.id, text: "", forwarded: "Good morning", isEdit: false },
      },
    ]);
  });

  test("what it refuses is not stored, and whoever wrote it is told why", async () => {
    const { status, body } = await post("Buy spam");
    expect([status, body.code, body.detail]).toEqual([403, "message_refused", "No advertising here."]);
    expect(await list()).toEqual([]);
    expect(await reports()).toEqual([]);
  });

  test("what it hides is withheld from the beginning, and a moderator may show it", async () => {
    const { status, body } = await post("Pure venom");
    expect([status, body.text, body.hidden]).toEqual([201, "", true]);
    await system.settle();
    for (const person of [ada, eve])
      expect((await list(person))[0]).toMatchObject({ text: "", hidden: true });
    expect((await ada.api.get(`${path}/search?q=venom`)).body.data).toEqual([]);
    expect((await ada.api.get(chat)).body.latest.text).toBe("");
    const [report] = await reports();
    expect(report).toMatchObject({
      reporter: "moderation-hook",
      decidedBy: "moderation-hook",
      user: eve.id,
      reason: "Poisonous",
      status: "decided",
      decision: "hide",
    });
    const event = (await judgements()).find(({ subject }) => subject === `report_${String(report?.["id"])}`);
    expect(event?.details).toMatchObject({ decision: "hide", message: 1 });
    const { body: seen } = await admin.api.get(`${path}/reports/${String(report?.["id"])}/messages`);
    expect(seen.data[0].text).toBe("Pure venom");
    await admin.api.patch(`${path}/reports/${String(report?.["id"])}`, { decision: "dismiss" });
    expect((await list())[0]?.text).toBe("Pure venom");
  });

  test("what it reports is stored, seen, and in the moderators' list", async () => {
    await post("Something odd");
    expect((await list())[0]?.text).toBe("Something odd");
    expect(await reports()).toMatchObject([
      { reporter: "moderation-hook", status: "open", reason: "Look at this" },
    ]);
  });

  test("a repetition gets what the first has stored, and asks no more", async () => {
    for (const said of ["Fine", "More venom", "Quite odd"]) {
      const key = randomUUID();
      const first = await post(said, key);
      hook.verdict = () => ({ decision: "refuse" });
      const again = await post(said, key);
      expect([again.status, again.body]).toEqual([201, first.body]);
      expect((await post(`${said}!`, key)).status).toBe(422);
      hook.verdict = ({ data }) => verdictOn(data.message.text);
    }
    expect(hook.asked).toHaveLength(3);
    expect(await reports()).toHaveLength(2);
  });

  test("the same request at once is asked about once", async () => {
    stayAtOneInstance(system);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    hook.reply = (_, response) => {
      void gate.then(() => response.end(JSON.stringify({ decision: "hide" })));
    };
    const key = randomUUID();
    const sent = Promise.all(Array.from({ length: 5 }, () => post("At once", key)));
    await expect.poll(() => hook.asked.length).toBe(1);
    open();
    const bodies = (await sent).map(({ body }) => JSON.stringify(body));
    expect(new Set(bodies).size).toBe(1);
    expect([hook.asked.length, (await list()).length]).toEqual([1, 1]);
  });

  test("edits are judged too: refused they change nothing, hidden they withhold the message", async () => {
    await post("Fine");
    const edit = (said: string, key: string) =>
      eve.api.patch(`${chat}/messages/1`, { text: said }, { "idempotency-key": key });
    expect((await edit("Now spam", "a")).body.code).toBe("message_refused");
    expect((await list())[0]?.text).toBe("Fine");
    const hidden = await edit("Now venom", `b-${rounds}`);
    expect(hidden.body).toMatchObject({ text: "", hidden: true });
    const asked = hook.asked.length;
    expect((await edit("Now venom", `b-${rounds}`)).body).toEqual(hidden.body);
    expect(hook.asked).toHaveLength(asked);
    expect(hook.asked.at(-1)?.data.message).toMatchObject({ text: "Now venom", isEdit: true });
    expect((await ada.api.get(`${chat}/messages/1/edits`)).body.data).toEqual([]);
    const [report] = await reports();
    await admin.api.patch(`${path}/reports/${String(report?.["id"])}`, { decision: "dismiss" });
    expect((await list())[0]?.text).toBe("Now venom");
  });

  test("nobody is asked about what may not be written", async () => {
    const outsider = await system.signIn(`outsider-${rounds}@example.test`);
    expect((await post("Let me in", undefined, outsider)).status).toBe(404);
    await ada.api.put(`${path}/me/blocks/${eve.id}`);
    expect((await post("Blocked")).status).toBe(404);
    await ada.api.delete(`${path}/me/blocks/${eve.id}`);
    await post("Mine");
    expect((await ada.api.patch(`${chat}/messages/1`, { text: "Not mine" })).status).toBe(403);
    expect(hook.asked).toHaveLength(1);
  });

  test("the app's own server is not asked about, but a person whom it writes for is", async () => {
    const { body } = await system.operator.post(`${path}/tokens`, { scopes: ["*"] });
    const server = system.client({ authorization: `Bearer ${body.token}` });
    await server.post(`${chat}/messages`, { text: "From venom" });
    expect(hook.asked).toEqual([]);
    const acting = system.client({ authorization: `Bearer ${body.token}`, "x-acting-for": eve.id });
    expect((await acting.post(`${chat}/messages`, { text: "For eve venom" })).body.hidden).toBe(true);
  });

  test("a hidden question is not asked of a model", async () => {
    const { body } = await ada.api.post(chats, { kind: "assistant" });
    const asked = await ada.api.post(`${chats}/${body.number}/messages`, { text: "venom?" });
    expect([asked.body.hidden, asked.body.answer]).toEqual([true, undefined]);
    await system.settle();
    expect((await ada.api.get(`${chats}/${body.number}`)).body.messagesCount).toBe(1);
  });
});

/** Every way in which a hook may fail. */
const FAILURES: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  "answers 500": (_, response) => response.writeHead(500).end(),
  "answers 429": (_, response) => response.writeHead(429, { "retry-after": "100" }).end(),
  redirects: (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  "says too much": (_, response) => response.end("x".repeat(VERDICT_BYTES_MAX + 1)),
  "says nothing": () => undefined,
  "begins to say something": (_, response) => response.write('{"decision":'),
  "hangs up": (request) => request.socket.destroy(),
  "says no JSON": (_, response) => response.end("<html>"),
  "says another thing": (_, response) => response.end('{"decision":"ban"}'),
  "says a list": (_, response) => response.end("[]"),
};

describe("a hook that fails", () => {
  test.each(Object.keys(FAILURES))(
    "and %s lets the message stand, or holds it, as the app has set",
    async (way) => {
      hook.reply = FAILURES[way];
      const common = { url, mode: "before", timeoutMs: 200 };
      await setHook({ ...common, onFailure: "allow" });
      expect((await post("First")).body.text).toBe("First");
      await setHook({ ...common, onFailure: "hold" });
      const held = await post("Second");
      expect([held.status, held.body.text, held.body.hidden]).toEqual([201, "", true]);
      expect(await reports()).toMatchObject([{ status: "open", reporter: "moderation-hook" }]);
      const [report] = await reports();
      await admin.api.patch(`${path}/reports/${String(report?.["id"])}`, { decision: "dismiss" });
      expect((await list())[0]?.text).toBe("Second");
      const line = system.logs.findLast(({ message }) => message === "moderation.failed");
      expect(line).toMatchObject({ severity: "WARNING", app: "demo" });
      // The next test's hook is another to the circuit.
      url = url.includes("?") ? url.replace(/\?.*/, "") : `${url}?${rounds}`;
    },
  );

  test("again and again is left alone for a while, and then tried by one", async () => {
    stayAtOneInstance(system);
    const common = { mode: "before", onFailure: "allow", timeoutMs: HOOK_MS_MAX };
    await setHook({ url: `${url.replace(/\?.*/, "")}?circuit`, ...common });
    hook.reply = FAILURES["answers 500"];
    for (let count = 0; count < CIRCUIT_FAILURES + 3; count += 1) await post("On and on");
    expect(hook.asked).toHaveLength(CIRCUIT_FAILURES);
    system.suite.kernel.clock.advance(CIRCUIT_OPEN_MS + 1_000);
    await post("One tries");
    await post("And is left alone again");
    expect(hook.asked).toHaveLength(CIRCUIT_FAILURES + 1);
    system.suite.kernel.clock.advance(CIRCUIT_OPEN_MS + 1_000);
    hook.reply = undefined;
    await post("It is well");
    await post("It stays well");
    expect(hook.asked).toHaveLength(CIRCUIT_FAILURES + 3);
  });
});

describe("after a message is stored", () => {
  beforeEach(() => setHook({ url, mode: "after", onFailure: "allow", timeoutMs: HOOK_MS_MAX }));

  test("it is hidden, reported or left, once", async () => {
    for (const said of ["Fine", "venom", "spam", "odd"]) await post(said);
    await system.settle();
    const found = (await list()).toReversed();
    expect(found.map(({ text: said, hidden }) => [said, hidden])).toEqual([
      ["Fine", undefined],
      ["", true],
      ["", true],
      ["odd", undefined],
    ]);
    expect(new Set(hook.asked.map(({ data }) => data.message.number))).toEqual(new Set([1, 2, 3, 4]));
    expect(hook.asked).toHaveLength(4);
    const statuses = (await reports()).map(({ status }) => String(status));
    expect(statuses.toSorted((one, other) => one.localeCompare(other))).toEqual([
      "decided",
      "decided",
      "open",
    ]);
    expect((await ada.api.get(`${path}/search?q=venom`)).body.data).toEqual([]);
  });

  test("what it hides is unread to nobody, and to all again once a moderator shows it", async () => {
    await post("Fine");
    await post("venom");
    const unread = async () => {
      await system.settle();
      return [(await ada.api.get(chat)).body.unreadCount, (await eve.api.get(chat)).body.unreadCount];
    };
    expect(await unread()).toEqual([1, 0]);
    const [report] = await reports();
    await admin.api.patch(`${path}/reports/${String(report?.["id"])}`, { decision: "dismiss" });
    expect(await unread()).toEqual([2, 0]);
  });

  test("delivered again it changes nothing, not even what a moderator has decided since", async () => {
    await post("venom");
    await system.settle();
    const [report] = await reports();
    await admin.api.patch(`${path}/reports/${String(report?.["id"])}`, { decision: "dismiss" });
    const [asked] = hook.asked;
    expect(asked?.id).toMatch(/^msg_[a-z0-9]+_\d+$/);
    const revision = Number(asked?.id.split("_").at(-1));
    const task = { app: "demo", chat: asked?.data.chat.number, message: 1, revision };
    for (let times = 0; times < 2; times += 1) await deliver(system, task);
    expect((await list())[0]?.text).toBe("venom");
    expect([(await reports()).length, hook.asked.length]).toEqual([1, 1]);
  });

  test("an edit is judged as it reads, and the text before it no more", async () => {
    await post("Fine");
    await eve.api.patch(`${chat}/messages/1`, { text: "Now venom" });
    await system.settle();
    expect((await list())[0]).toMatchObject({ text: "", hidden: true });
    expect(hook.asked.at(-1)?.data.message.text).toBe("Now venom");
    const [report] = await reports();
    const { body } = await admin.api.get(`${path}/reports/${String(report?.["id"])}/messages`);
    expect(body.data[0].text).toBe("Now venom");
  });

  test("a hook that fails is asked again by the queue, or the message is held", async () => {
    hook.reply = FAILURES["answers 500"];
    await post("venom");
    await expect.poll(() => hook.asked.length).toBeGreaterThan(0);
    expect((await list())[0]?.text).toBe("venom");
    hook.reply = undefined;
    await expect
      .poll(async () => {
        system.suite.kernel.clock.advance(60_000);
        await system.settle();
        return (await list())[0]?.text;
      })
      .toBe("");
    expect(new Set(hook.asked.map(({ id }) => id)).size).toBe(1);
    await setHook({ onFailure: "hold" });
    hook.reply = FAILURES["answers 500"];
    await post("Anything");
    await system.settle();
    expect((await list())[0]).toMatchObject({ text: "", hidden: true });
  });

  test("a hook that never comes back is asked so often, is no failure of ours, and holds up nobody else", async () => {
    const before = system.logs.length;
    hook.reply = FAILURES["answers 500"];
    await post("venom");
    for (let tries = 0; tries < HOOK_TRIES_MAX + 5; tries += 1) {
      await system.settle();
      system.suite.kernel.clock.advance(601_000);
    }
    await system.settle();
    const lines = system.logs.slice(before);
    const runs = lines.filter(({ function: name }) => name === "judge-message");
    const failures = lines.filter(({ message }) => message === "moderation.failed");
    expect(failures).toHaveLength(HOOK_TRIES_MAX);
    expect(lines.filter(({ message }) => message === "moderation.given-up")).toHaveLength(1);
    expect(runs.filter(({ severity }) => severity === "ERROR")).toEqual([]);
    const letters = await system.operator.get("/v1/operator/dead-letters");
    expect(letters.body.data).toEqual([]);
    ada = await system.signIn(ada.email);
    admin = await system.signIn(admin.email);
    expect((await list())[0]?.text).toBe("venom");
  });

  test("a task whose app has no hook any more, whose message is gone, or that names another app's, does nothing", async () => {
    await post("Fine");
    await system.settle();
    const number = Number(chat.slice(chat.lastIndexOf("/") + 1));
    const before = hook.asked.length;
    const { id } = await system.createApp("Other");
    await deliver(system, { app: id, chat: number, message: 1, revision: 2 });
    await deliver(system, { app: "demo", chat: number, message: 99, revision: 2 });
    await deliver(system, { app: "demo", chat: 999_999, message: 1, revision: 2 });
    await eve.api.delete(`${chat}/messages/1`);
    await deliver(system, { app: "demo", chat: number, message: 1, revision: 2 });
    await setHook({ url: null });
    await deliver(system, { app: "demo", chat: number, message: 1, revision: 2 });
    expect(hook.asked).toHaveLength(before);
  });
});

/** As Cloud Tasks would. */
async function deliver(of: System, task: object): Promise<void> {
  const { queue, ...rest } = { queue: "moderation", function: "judge-message", id: [randomUUID()] };
  await of.deps.tasks.enqueue({ queue, ...rest, payload: task });
  await of.settle();
}

test("an app's hook hears nothing of another app's messages", async () => {
  await setHook({ url, mode: "before" });
  const { id } = await system.createApp("Quiet");
  const carol = await system.signIn("carol@example.test", id);
  const { body } = await carol.api.post(`/v1/apps/${id}/chats`, { kind: "group" });
  await carol.api.post(`/v1/apps/${id}/chats/${body.number}/messages`, { text: "venom" });
  await system.settle();
  expect(hook.asked).toEqual([]);
});

test("with a hook an append costs two reads more, without one nothing", async () => {
  stayAtOneInstance(system);
  await post("Warm");
  const cost = () => system.meterRequest(() => post("Metered", randomUUID()));
  const { billed } = await cost();
  expect([billed.reads, billed.writes]).toEqual([0, 2]);
  await setHook({ url, mode: "after" });
  await post("Warm");
  const after = await cost();
  expect([after.billed.reads, after.billed.writes]).toEqual([0, 2]);
  await setHook({ mode: "before" });
  await post("Warm");
  const before = await cost();
  expect([before.billed.reads, before.billed.writes]).toEqual([2, 2]);
  const hiding = await system.meterRequest(() => post("venom", randomUUID()));
  expect([hiding.billed.reads, hiding.billed.writes]).toEqual([2, 4]);
});

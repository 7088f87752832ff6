import sharp from "sharp";
import { afterEach, describe, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import { FILES_MAX } from "../../../shared/chat/contract.ts";
import { HELD_LOOK_MS } from "../../../shared/files/limits.ts";
import { EventStream, type SseEvent } from "../../../shared/testing/event-stream.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { type FileDraft, uploadFile } from "../../../shared/testing/upload-file.ts";
import {
  startChat,
  stayAtOneInstance,
  useInstance,
  usePeople,
  useSystem,
} from "../../../shared/testing/use-system.ts";

/** Files in messages: attached, seen, loaded, forwarded, and gone with the last message that held them. */

const system = useSystem();
const [ada, bob, eve] = usePeople(system, "ada@files.test", "bob@files.test", "eve@files.test");
const other = useInstance(system);
afterEach(() => system.clearFaults());

const files = "/v1/apps/demo/files";
const notes: FileDraft = {
  name: "Grüße & Küsse.txt",
  type: "text/plain",
  bytes: Buffer.from("Twelve bytes"),
};

const chatOf = async (): Promise<string> =>
  (await startChat(ada.api, { members: [bob], texts: ["Hi"] })).path;
const numberOf = (path: string): number => Number(path.split("/").at(-1));

async function ready(draft: FileDraft = notes): Promise<string> {
  const { id } = await uploadFile(ada.api, draft);
  await system.settle();
  return id;
}

async function send(path: string, body: object, api: ApiClient = ada.api): Promise<Message> {
  const { status, body: message } = await api.post(`${path}/messages`, body);
  expect([status, message.detail]).toEqual([201, undefined]);
  return message as Message;
}

/** Where a file is; nobody follows. */
const load = (person: Person, id: string, query = "", url = system.url): Promise<Response> =>
  fetch(`${url}${files}/${id}/content${query}`, {
    headers: { authorization: `Bearer ${person.session.accessToken}` },
    redirect: "manual",
  });
const addressOf = async (id: string, query = ""): Promise<string> =>
  (await load(ada, id, query)).headers.get("location") ?? "";

const storedOf = async (id: string) =>
  (await system.deps.firestore.doc(`apps/demo/files/${id}`).get()).data();
const objectsOf = async (id: string) => await system.deps.bucket.list(`files/demo/${id}/`, { limit: 10 });
const tend = async (): Promise<void> => {
  await system.runSchedule("tend-files");
  await system.settle();
};

describe("a message", () => {
  test("holds files, of which a line is its text where it has none", async () => {
    const path = await chatOf();
    const id = await ready();
    const message = await send(path, { files: [id] });
    expect(message).toMatchObject({
      text: "",
      files: [{ id, name: notes.name, type: "text/plain", size: 12, status: "ready" }],
      parts: [{ type: "file", file: id }],
    });
    const { body: page } = await bob.api.get(`${path}/messages`);
    expect(page.data[0]).toEqual(message);
    expect((await bob.api.get(path)).body.latest.text).toBe(notes.name);
    await system.settle();
    expect((await bob.api.get(`${path}/messages`)).body.data[0]).toEqual(message);
    expect((await storedOf(id))?.chats).toEqual({ [numberOf(path)]: [message.number] });
  });

  test("stands while its file is being checked, and changes when that is ready", async () => {
    const path = await chatOf();
    await using stream = await EventStream.open(`${system.url}${path}/events`, bob);
    await stream.reached;
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    system.fault({ service: "pubsub", method: "Push", kind: "held", until, match: system.project });
    const bytes = await sharp({ create: { width: 40, height: 20, channels: 3, background: "teal" } })
      .png()
      .toBuffer();
    const { id } = await uploadFile(ada.api, { name: "teal.png", type: "image/png", bytes });
    const message = await send(path, { text: "Look", files: [id] });
    expect(message.files?.[0]).toMatchObject({ id, status: "pending" });
    expect((await load(bob, id)).status).toBe(409);
    release();
    const isReady = ({ event, data }: SseEvent): boolean =>
      event === "message.changed" && data.message.number === message.number;
    const changed = (await stream.until((events) => events.some(isReady))).find(isReady);
    expect(changed?.data.message.files).toMatchObject([
      { id, status: "ready", image: { width: 40, height: 20 } },
    ]);
    await system.settle();
    expect((await load(bob, id)).status).toBe(302);
  });

  test("shows a file that was refused, and why", async () => {
    const path = await chatOf();
    const { promise: until, resolve: release } = Promise.withResolvers<void>();
    system.fault({ service: "pubsub", method: "Push", kind: "held", until, match: system.project });
    const { id } = await uploadFile(ada.api, { ...notes, type: "image/png" });
    const { number } = await send(path, { text: "Look", files: [id] });
    release();
    await system.settle();
    const { body } = await bob.api.get(`${path}/messages/${number}`);
    expect(body.files).toMatchObject([{ id, status: "refused", refusal: "type_differs" }]);
    expect((await load(bob, id)).status).toBe(409);
  });

  test("that is sent while the check ends shows the file as it became", async () => {
    const path = await chatOf();
    const ids = await Promise.all(Array.from({ length: 5 }, () => uploadFile(ada.api, notes)));
    const sent = await Promise.all(ids.map(({ id }) => send(path, { text: "Now", files: [id] })));
    await system.settle();
    for (const { number } of sent) {
      const { body } = await bob.api.get(`${path}/messages/${number}`);
      expect(body.files[0].status).toBe("ready");
    }
  });

  test.each([
    ["a file of somebody else", async () => [await ready()], bob],
    ["a file that is not there", async () => ["a".repeat(26)], ada],
    ["a file that was refused", async () => [await ready({ ...notes, type: "image/png" })], ada],
    [
      "more files than a message holds",
      async () => Array.from({ length: FILES_MAX + 1 }, (_, at) => `${at}`.padStart(26, "a")),
      ada,
    ],
    ["a file twice", async () => ["b".repeat(26), "b".repeat(26)], ada],
    ["no file", async () => [], ada],
  ])("is refused with %s", async (_, make, person) => {
    const path = await chatOf();
    const { status, body } = await person.api.post(`${path}/messages`, { text: "Mine", files: await make() });
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect((await ada.api.get(path)).body.messagesCount).toBe(1);
  });

  test("is refused with a file that has only been announced", async () => {
    const path = await chatOf();
    const { body } = await ada.api.post(files, { name: "a.txt", type: "text/plain", size: 3 });
    expect((await ada.api.post(`${path}/messages`, { files: [body.file.id] })).status).toBe(400);
  });

  test("that is sent again under its key is the same, and holds its file once", async () => {
    const path = await chatOf();
    const id = await ready();
    const key = { "idempotency-key": "with-a-file" };
    const first = await ada.api.post(`${path}/messages`, { files: [id] }, key);
    const again = await ada.api.post(`${path}/messages`, { files: [id] }, key);
    expect(again.body).toEqual(first.body);
    await ada.api.delete(`${files}/${id}`);
    expect((await ada.api.post(`${path}/messages`, { files: [id] }, key)).status).toBe(201);
    expect((await storedOf(id))?.chats).toEqual({ [numberOf(path)]: [first.body.number] });
  });

  test("with a file costs a read and a write more", async () => {
    stayAtOneInstance(system);
    const path = await chatOf();
    const id = await ready();
    await send(path, { text: "Before" });
    const plain = await system.meterRequest(() => send(path, { text: "Without" }));
    const cost = await system.meterRequest(() => send(path, { text: "With", files: [id] }));
    expect([plain.billed.reads, plain.billed.writes]).toEqual([0, 2]);
    expect(cost.billed).toEqual({ reads: 1, writes: 3, deletes: 0 });
  });
});

describe("a file is loaded", () => {
  test("from an address in the bucket, with its name and in ranges, by whoever reads the message", async () => {
    const path = await chatOf();
    const id = await ready();
    await send(path, { files: [id] });
    const { status, headers } = await load(bob, id, `?chat=${numberOf(path)}`);
    expect([status, headers.get("cache-control")]).toEqual([
      302,
      expect.stringMatching(/^private, max-age=\d+$/),
    ]);
    const reply = await fetch(headers.get("location") ?? "", { headers: { range: "bytes=7-11" } });
    expect([reply.status, await reply.text()]).toEqual([206, "bytes"]);
    expect(reply.headers.get("content-type")).toBe("application/octet-stream");
    expect(reply.headers.get("content-disposition")).toBe(
      `attachment; filename="Gr__e _ K_sse.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%26%20K%C3%BCsse.txt`,
    );
    const asked = await system
      .client({ authorization: `Bearer ${bob.session.accessToken}`, accept: "application/json" })
      .get(`${files}/${id}/content`);
    expect([asked.status, asked.body.url]).toEqual([200, headers.get("location")]);
    expect((await bob.api.get(`${files}/${id}`)).body).toMatchObject({ id, status: "ready" });
  });

  test("as a picture that is wide enough, in WebP", async () => {
    const bytes = await sharp({ create: { width: 1000, height: 500, channels: 3, background: "teal" } })
      .jpeg()
      .toBuffer();
    const id = await ready({ name: "teal.jpg", type: "image/jpeg", bytes });
    for (const [width, wide] of [
      [1, 160],
      [161, 480],
      [500, 1000],
      [5000, 1000],
    ] as const) {
      const reply = await fetch(await addressOf(id, `?width=${width}`));
      expect(reply.headers.get("content-disposition")).toMatch(/^inline/);
      expect((await sharp(Buffer.from(await reply.arrayBuffer())).metadata()).width).toBe(wide);
    }
  });

  test.each([
    ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ["text/html", "<script>alert(1)</script>"],
  ])("%s, and never shown", async (type, content) => {
    const id = await ready({ name: "page", type, bytes: Buffer.from(content) });
    const reply = await fetch(await addressOf(id));
    expect(reply.headers.get("content-type")).toBe("application/octet-stream");
    expect(reply.headers.get("content-disposition")).toMatch(/^attachment/);
  });

  test("for ten minutes at most", async () => {
    const id = await ready();
    const url = await addressOf(id);
    system.suite.kernel.clock.advance(10 * 60_000);
    expect((await fetch(url)).status).toBe(400);
    system.suite.kernel.clock.advance(-10 * 60_000);
  });

  test("at one read where the chat has just been read, and at two where it has not", async () => {
    stayAtOneInstance(system);
    const path = await chatOf();
    const id = await ready();
    await send(path, { files: [id] });
    await bob.api.get(path);
    const query = `?chat=${numberOf(path)}`;
    const known = await system.meterRequest(() => load(bob, id, query));
    expect(known.billed).toEqual({ reads: 1, writes: 0, deletes: 0 });
    await other.as(bob).get("/v1/apps/demo/me");
    const unknown = await system.meterRequest(() => load(bob, id, query, other.url));
    expect(unknown.billed.reads).toBe(2);
  });
});

describe("nobody else", () => {
  test("finds a file by its id", async () => {
    const path = await chatOf();
    const id = await ready();
    expect((await load(bob, id)).status).toBe(404);
    await send(path, { files: [id] });
    for (const query of ["", `?chat=${numberOf(path)}`]) {
      expect((await load(eve, id, query)).status).toBe(404);
      expect((await eve.api.get(`${files}/${id}${query}`)).status).toBe(404);
    }
    expect((await eve.api.delete(`${files}/${id}`)).status).toBe(404);
    expect((await bob.api.delete(`${files}/${id}`)).status).toBe(404);
    const { body: chat } = await eve.api.post("/v1/apps/demo/chats", { kind: "group" });
    expect((await eve.api.post(`/v1/apps/demo/chats/${chat.number}/messages`, { files: [id] })).status).toBe(
      400,
    );
  });

  test("loads it once they have left the chat", async () => {
    // Another instance trusts for HEAD_TRUSTED_MS what it has seen.
    stayAtOneInstance(system);
    const path = await chatOf();
    const id = await ready();
    await send(path, { files: [id] });
    expect((await load(bob, id)).status).toBe(302);
    await ada.api.delete(`${path}/members/${bob.id}`);
    expect((await load(bob, id)).status).toBe(404);
  });

  test("whom another instance has just let in loads it at once", async () => {
    const path = await chatOf();
    const id = await ready();
    await send(path, { files: [id] });
    expect((await load(bob, id, "", other.url)).status).toBe(302);
    expect((await load(eve, id, "", other.url)).status).toBe(404);
    await ada.api.put(`${path}/members/${eve.id}`);
    expect((await load(eve, id, "", other.url)).status).toBe(302);
  });

  test("who joins later loads what was sent before, where the app hides that", async () => {
    await system.operator.patch("/v1/apps/demo", { settings: { history: "none" } });
    const path = await chatOf();
    const [before, after] = [await ready(), await ready()];
    await send(path, { files: [before] });
    await ada.api.put(`${path}/members/${eve.id}`);
    await send(path, { files: [after] });
    expect((await load(eve, before)).status).toBe(404);
    expect((await load(eve, after)).status).toBe(302);
    await system.operator.patch("/v1/apps/demo", { settings: { history: "all" } });
  });
});

describe("a file lives", () => {
  test("as long as any message that holds it: forwarding and forks hold it too", async () => {
    const [from, to] = [await chatOf(), (await startChat(bob.api, { members: [eve], texts: ["Hi"] })).path];
    const id = await ready();
    const message = await send(from, { text: "Original", files: [id] });
    const forwarded = await send(
      to,
      { forwardOf: { chat: numberOf(from), message: message.number } },
      bob.api,
    );
    expect(forwarded.files).toMatchObject([{ id, status: "ready" }]);
    expect((await load(eve, id)).status).toBe(302);
    const { body: fork } = await ada.api.post(`${from}/forks`, { at: message.number });
    await ada.api.delete(`${from}/messages/${message.number}`);
    await tend();
    expect(await objectsOf(id)).toHaveLength(1);
    expect((await load(eve, id)).status).toBe(302);
    await bob.api.delete(`${to}/messages/${forwarded.number}`);
    expect((await load(eve, id)).status).toBe(404);
    await tend();
    expect(await objectsOf(id)).toHaveLength(1);
    expect((await load(ada, id)).status).toBe(302);
    await ada.api.delete(`/v1/apps/demo/chats/${fork.number}`);
    await system.settle();
    await tend();
    expect(await objectsOf(id)).toEqual([]);
    expect(await storedOf(id)).toBeUndefined();
  });

  test("until its owner deletes it, which messages show", async () => {
    const path = await chatOf();
    const id = await ready();
    const { number } = await send(path, { text: "Soon gone", files: [id] });
    expect((await ada.api.delete(`${files}/${id}`)).status).toBe(204);
    expect((await ada.api.delete(`${files}/${id}`)).status).toBe(404);
    expect((await load(bob, id)).status).toBe(404);
    await tend();
    expect((await bob.api.get(`${path}/messages/${number}`)).body.files).toMatchObject([
      { id, status: "refused", refusal: "deleted" },
    ]);
    expect(await objectsOf(id)).toEqual([]);
    // What is left to be let go of leaves nothing.
    expect((await ada.api.delete(`${path}/messages/${number}`)).status).toBe(204);
    await tend();
    expect(await storedOf(id)).toBeUndefined();
  });

  test("until the app wants to keep it no longer", async () => {
    const path = await chatOf();
    const id = await ready();
    await send(path, { text: "For a while", files: [id] });
    const { clock } = system.suite.kernel;
    clock.advance(2 * HELD_LOOK_MS);
    await tend();
    expect(await objectsOf(id)).toHaveLength(1);
    await system.operator.patch("/v1/apps/demo", { settings: { retention: { filesDays: 7 } } });
    clock.advance(HELD_LOOK_MS + 60_000);
    await tend();
    expect(await objectsOf(id)).toEqual([]);
    clock.advance(-3 * HELD_LOOK_MS - 60_000);
    await system.operator.patch("/v1/apps/demo", { settings: { retention: { filesDays: null } } });
  });

  test("without being loaded while its message is hidden", async () => {
    const admin = await system.signInAs("admin");
    const path = await chatOf();
    const id = await ready();
    const { number } = await send(path, { text: "Doubtful", files: [id] });
    const { body: report } = await bob.api.post("/v1/apps/demo/reports", {
      message: { chat: numberOf(path), message: number },
      reason: "Doubt",
    });
    const decide = (decision: string) => admin.api.patch(`/v1/apps/demo/reports/${report.id}`, { decision });
    expect((await decide("hide")).status).toBe(200);
    await tend();
    expect((await load(bob, id)).status).toBe(404);
    expect(await objectsOf(id)).toHaveLength(1);
    expect((await decide("dismiss")).status).toBe(200);
    await tend();
    expect((await load(bob, id)).status).toBe(302);
    expect((await bob.api.get(`${path}/messages/${number}`)).body.files).toMatchObject([
      { id, status: "ready" },
    ]);
  });
});

import { FieldValue } from "@google-cloud/firestore";
import { afterAll, expect, test } from "vitest";
import { AUDIT_PAGE, STRAY_MS_MIN } from "../../../shared/files/audit-bucket.ts";
import { HELD_LOOK_MS } from "../../../shared/files/limits.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

/** What differs between the bucket, files and messages is found and mended. */

const system = useSystem();
const chats = "/v1/apps/demo/chats";
let advanced = 0;
const pass = (ms: number): void => {
  system.suite.kernel.clock.advance(ms);
  advanced += ms;
};
afterAll(() => system.suite.kernel.clock.advance(-advanced));

async function sent() {
  const bytes = Buffer.from("Twelve bytes");
  const { id } = await uploadFile(system.operator, { name: "a.txt", type: "text/plain", bytes });
  await system.settle();
  const { body: chat } = await system.operator.post(chats, { kind: "group" });
  const { body: message } = await system.operator.post(`${chats}/${chat.number}/messages`, { files: [id] });
  return {
    id,
    chat: chat.number,
    message: message.number,
    ref: system.deps.firestore.doc(`apps/demo/files/${id}`),
  };
}
const namesOf = async (prefix: string) =>
  (await system.deps.bucket.list(prefix, { limit: AUDIT_PAGE })).map(({ name }) => name);

async function tend(): Promise<unknown> {
  await system.runSchedule("tend-files");
  await system.settle();
  return system.logs.findLast((line) => line.function === "tend-files" && line.trigger === "schedule")?.wrong;
}

test("where nothing differs, nothing is changed", async () => {
  const { id, ref, chat, message } = await sent();
  const before = (await ref.get()).data();
  pass(2 * STRAY_MS_MIN);
  expect(await tend()).toBe(0);
  const { dueAt: _, ...now } = (await ref.get()).data() ?? {};
  expect(before).toMatchObject(now);
  expect(await namesOf(`files/demo/${id}/`)).toHaveLength(1);
  const { body } = await system.operator.get(`${chats}/${chat}/messages/${message}`);
  expect(body.revision).toBe(2);
});

test("bytes that belong to no file are deleted once they are a day old, and no others", async () => {
  const { id } = await sent();
  const [kept = ""] = await namesOf(`files/demo/${id}/`);
  const strays = [
    `files/demo/${"a".repeat(26)}/1/content`,
    `files/demo/${id}/1/content`,
    `files/gone/${id}/1/content`,
    "files/what-is-this",
  ];
  for (const name of strays) await system.deps.bucket.write(name, Buffer.from("stray"), "text/plain");
  await tend();
  expect(await namesOf("files/")).toEqual(expect.arrayContaining([...strays, kept]));
  pass(STRAY_MS_MIN + 60_000);
  expect(await tend()).toBe(strays.length);
  const left = await namesOf("files/");
  expect(left).toContain(kept);
  expect(left.filter((name) => strays.includes(name))).toEqual([]);
});

test("a large bucket is gone through in pages", async () => {
  for (let at = 0; at < AUDIT_PAGE + 5; at += 1) {
    await system.deps.bucket.write(`files/zzz/${at}`, Buffer.from("stray"), "text/plain");
  }
  pass(STRAY_MS_MIN + 60_000);
  await tend();
  await tend();
  expect(await namesOf("files/zzz/")).toEqual([]);
});

test("a file whose bytes are gone is lost, and its message says so", async () => {
  const { id, chat, message } = await sent();
  const [name = ""] = await namesOf(`files/demo/${id}/`);
  await system.deps.bucket.remove(name);
  pass(HELD_LOOK_MS + 60_000);
  expect(await tend()).toBe(1);
  const { body } = await system.operator.get(`${chats}/${chat}/messages/${message}`);
  expect(body.files).toMatchObject([{ id, status: "refused", refusal: "lost" }]);
  expect((await system.operator.get(`/v1/apps/demo/files/${id}/content`)).status).toBe(409);
});

test("what a file notes of messages that do not hold it is taken away", async () => {
  const { id, ref, chat, message } = await sent();
  await ref.update(`chats.${chat}`, FieldValue.arrayUnion(7), "chats.999", [1], `hidden.${chat}`, [message]);
  pass(HELD_LOOK_MS + 60_000);
  expect(await tend()).toBe(1);
  expect((await ref.get()).data()).toMatchObject({
    chats: { [chat]: [message], 999: [] },
    hidden: { [chat]: [] },
  });
  expect(await namesOf(`files/demo/${id}/`)).toHaveLength(1);
});

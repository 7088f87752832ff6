import { afterAll, beforeAll, expect, test } from "vitest";
import { LEFT_MS, MOVE, QUIET_MS, WORK_MS_MAX } from "../../../shared/cells/move-app.ts";
import { COLLECTION_IDS } from "../../../shared/cells/store.ts";
import type { Job } from "../../../shared/jobs/contract.ts";
import type { DocumentData, DocumentReference, Firestore } from "../../../shared/platform/firestore.ts";
import { clientOf, openDesk, textsOf, until } from "../../../shared/testing/live-clients.ts";
import { startCells } from "../../../shared/testing/start-cells.ts";
import type { Person, System } from "../../../shared/testing/start-system.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { startChat } from "../../../shared/testing/use-system.ts";
import manifest from "../../manifest.json" with { type: "json" };

let west: System;
let east: System;
let ada: Person;
let bob: Person;
beforeAll(async () => {
  [west, east] = (await startCells("west", "east")) as [System, System];
  ada = await west.signIn("ada@cells.test");
  bob = await west.signIn("bob@cells.test");
});
afterAll(async () => {
  await west[Symbol.asyncDispose]();
  await east[Symbol.asyncDispose]();
});

const app = "/v1/apps/demo";
const advance = (ms: number): void => west.suite.kernel.clock.advance(ms);

async function startMove(from: System, cell: string): Promise<string> {
  const { status, body } = await from.operator.post("/v1/operator/moves", { app: "demo", cell });
  expect([status, body.kind]).toEqual([202, MOVE]);
  return body.id;
}
const jobOf = async (of: System, id: string): Promise<Job> =>
  (await of.operator.get(`/v1/operator/jobs/${id}`)).body;
const standing = async (of: System): Promise<unknown> =>
  (await of.deps.firestore.doc("apps/demo").get()).get("status");

/** Everything under the app that is stored there, by its path. */
async function contentOf(firestore: Firestore): Promise<Map<string, DocumentData>> {
  const found = new Map<string, DocumentData>();
  const read = async (ref: DocumentReference): Promise<void> => {
    const document = await ref.get();
    const data = document.data();
    if (data !== undefined && ref.path !== "apps/demo") found.set(ref.path, data);
    const collections = await ref.listCollections();
    await Promise.all(
      collections.map(async (collection) => Promise.all((await collection.listDocuments()).map(read))),
    );
  };
  await read(firestore.doc("apps/demo"));
  return found;
}
const collectionsIn = (content: ReadonlyMap<string, unknown>): Set<string> =>
  new Set([...content.keys()].map((path) => path.split("/").at(-2) ?? ""));

test("nothing works longer than a move waits until all is quiet", () => {
  const seconds = Object.entries(manifest.functions)
    .filter(([name]) => name !== "live")
    .map(([, { timeoutSeconds }]) => timeoutSeconds);
  expect(WORK_MS_MAX).toBe(Math.max(...seconds) * 1000);
});

test(
  "an app moves while it is used: whoever follows it goes on there, and nothing is lost",
  { timeout: 60_000 },
  async () => {
    const chat = await startChat(ada.api, { members: [bob], texts: ["One", "Two"] });
    const question = await startChat(ada.api, { kind: "assistant", texts: ["What is 2 and 2?"] });
    const bytes = Buffer.from("A file.");
    const file = await uploadFile(ada.api, { name: "a.txt", type: "text/plain", bytes });
    await west.settle();
    await ada.api.post(`${chat.path}/messages`, { text: "With a file", files: [file.id] });
    await ada.api.patch(`${chat.path}/messages/1`, { text: "One, once more" });
    await bob.api.put(`${chat.path}/read`, { number: 2 });
    await west.settle();

    using desk = openDesk(clientOf(west, ada));
    const view = desk.openChat(chat.number);
    await view.loaded();
    const id = await startMove(west, "east");
    await expect.poll(() => standing(west)).toBe("moving");
    await west.settle();
    expect(await standing(east)).toBeUndefined();

    // What is read goes on, and nothing is changed.
    expect((await ada.api.get(chat.path)).status).toBe(200);
    const refused = await bob.api.post(`${chat.path}/messages`, { text: "Lost?" });
    expect([refused.status, refused.body.code]).toEqual([503, "unavailable"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    view.send({ text: "Three" });

    const before = await contentOf(west.deps.firestore);
    advance(QUIET_MS + 1_000);
    await expect.poll(() => standing(west)).toBe("moved");
    expect(await standing(east)).toBe("open");

    // The page of Ada's, which was open all the time, sends what was waiting, and hears of the other's.
    desk.wake();
    await until(view, () => view.drafts.length === 0);
    const other = openDesk(clientOf(west, bob));
    const theirs = other.openChat(chat.number);
    await theirs.loaded();
    theirs.send({ text: "Four" });
    await until(view, () => textsOf(view).includes("Four"));
    other.close();
    expect(textsOf(view)).toEqual(["One, once more", "Two", "With a file", "Three", "Four"]);
    expect(view.messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);

    const after = await contentOf(east.deps.firestore);
    const nowMs = west.suite.kernel.clock.now();
    const isKept = (path: string): boolean =>
      !path.includes("/streams/") && !(Number(before.get(path)?.expireAt?.toMillis()) <= nowMs);
    const lost = [...before.keys()].filter((path) => isKept(path) && !after.has(path));
    expect(lost).toEqual([]);
    // A walk that forgot a collection would have lost it.
    const unknown = [...collectionsIn(before)].filter((each) => !COLLECTION_IDS.includes(each));
    expect(unknown.filter((each) => each !== "streams")).toEqual([]);

    const there = east.client({ authorization: `Bearer ${(await refreshed(east, bob)).accessToken}` });
    const found = await there.get(`${app}/search?q=once+more`);
    expect(found.body.data).toHaveLength(1);
    const answered = await there.get(`${chat.path}/messages`);
    expect(answered.body.data).toHaveLength(5);
    const download = await there.get(`${app}/files/${file.id}`);
    expect([download.status, download.body.status]).toEqual([200, "ready"]);
    expect((await east.operator.get(`${question.path}/messages/2`)).body).toMatchObject({
      status: "complete",
    });
    for (const schedule of ["audit", "audit-search", "reconcile", "tend-files"])
      await east.runSchedule(schedule);
    await east.settle();

    // Here everything that was left is gone a day later, and the directory still knows where it is.
    advance(LEFT_MS + 1_000);
    await expect.poll(async () => (await jobOf(west, id)).state).toBe("completed");
    expect(
      [...(await contentOf(west.deps.firestore)).keys()].filter((path) => !path.includes("/streams/")),
    ).toEqual([]);
    expect(await west.deps.bucket.list("files/demo/", { limit: 10 })).toEqual([]);
    expect(await standing(west)).toBeUndefined();
    advance(20_000);
    const asked = await west.client().get(`${app}/auth/options`);
    expect([asked.status, asked.body.code, asked.body.cell]).toEqual([
      421,
      "moved",
      { name: "east", url: east.url },
    ]);
  },
);

async function refreshed(of: System, { session }: Person): Promise<{ accessToken: string }> {
  const { status, body } = await of
    .client()
    .post(`${app}/auth/refresh`, { refreshToken: session.refreshToken });
  expect(status).toBe(200);
  return body;
}

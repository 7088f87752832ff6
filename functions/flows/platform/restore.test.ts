import type { CollectionReference, Firestore } from "@google-cloud/firestore";
import { expect, test } from "vitest";
import { openFirestore } from "../../../shared/platform/firestore.ts";
import { settleRounds, startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/**
 * The drill of docs/runbooks/restore-from-backup.md: what was kept becomes another database, and is served by
 * naming it. The emulator has neither backups nor exports, so a copy through the client stands for both.
 */

const RESTORED = "restored";
/** Enough for all that the test has stored. */
const DOCUMENTS_MAX = 5_000;

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@restore.test", "bob@restore.test");

type Stored = Map<string, unknown>;

/** Every document, whether or not its parent is one. */
async function allOf(firestore: Firestore): Promise<Stored> {
  const found: Stored = new Map();
  const open: CollectionReference[] = await firestore.listCollections();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const reference of await next.listDocuments()) {
      const document = await reference.get();
      if (document.exists) found.set(reference.path, document.data());
      if (found.size > DOCUMENTS_MAX) throw new Error("There are more documents than this test stores.");
      open.push(...(await reference.listCollections()));
    }
  }
  return found;
}

async function copyInto(firestore: Firestore, stored: Stored): Promise<void> {
  for (const [path, data] of stored) await firestore.doc(path).set(data as object);
}

test("what was kept is served from another database by its name, whole, and goes on", async () => {
  const { path } = await startChat(ada.api, { members: [bob], texts: ["one", "two", "three"] });
  await bob.api.put(`${path}/read`, { number: 2 });
  await settleRounds(system);
  const { projectId } = system.deps.config;
  const kept = await allOf(system.deps.firestore);
  expect(kept.size).toBeGreaterThan(20);
  const seen = async (api: typeof ada.api) => [
    (await api.get(`${path}/messages`)).body.data,
    (await api.get("/v1/apps/demo/chats")).body.data,
  ];
  const before = await seen(bob.api);

  // Afterwards something spoils it.
  expect((await ada.api.delete(`${path}/messages/2`)).status).toBeLessThan(300);
  await ada.api.post(`${path}/messages`, { text: "after the backup" });
  await settleRounds(system);

  const restored = openFirestore({ projectId, databaseId: RESTORED });
  try {
    await copyInto(restored, kept);
    await using instance = await system.anotherInstance({ DATABASE_ID: RESTORED });
    // Sessions, keys, chats and what is one's own: nobody signs in again.
    expect(await seen(instance.as(bob))).toEqual(before);
    expect(await allOf(restored)).toEqual(kept);
    const posted = await instance.as(ada).post(`${path}/messages`, { text: "after the restoring" });
    expect([posted.status, posted.body.number]).toEqual([201, 4]);
  } finally {
    await restored.terminate();
  }
  // The database that was left is as it was left.
  const { body } = await bob.api.get(`${path}/messages`);
  const texts = body.data.map(({ text }: { text?: string }) => text);
  expect(texts).toContain("after the backup");
  expect(texts).not.toContain("after the restoring");
});

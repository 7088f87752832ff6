import { FieldValue } from "@google-cloud/firestore";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BURST_WRITES,
  COMMIT_MS,
  COMMITS_WAITING_MAX,
  CommitPhysics,
  CONTENDED_MS_MAX,
  CONTENDED_STEP_MS,
  ENTRY_MS,
  READ_MS,
  TTL_DELAY_MS,
} from "./physics.ts";
import { databaseOf, projectIdOf, startFirestore, type TestFirestore } from "./testing.ts";

const TTL = {
  indexes: [],
  fieldOverrides: [{ collectionGroup: "notes", fieldPath: "expires", ttl: true, indexes: [] }],
};

let firestore: TestFirestore;
beforeAll(async () => {
  firestore = await startFirestore({ indexes: TTL });
});
afterAll(() => firestore.stop());

/** A client of a project in which physics hold. */
function client() {
  const made = firestore.client();
  firestore.kernel.physics.turnOn(projectIdOf(made));
  return made;
}

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Timers may fire a fraction of a millisecond early. */
const EARLY_MS = 1;

describe("with physics", () => {
  test("a commit takes longer with each index entry that it changes", async () => {
    const db = client();
    const note = db.doc("many/a");
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`field${index}`, index]));
    // Ascending and descending, for each field.
    const created = await tookMs(() => note.set(fields));
    expect(created).toBeGreaterThanOrEqual(COMMIT_MS + 100 * ENTRY_MS - EARLY_MS);
    expect(await tookMs(() => note.update({ field0: -1 }))).toBeGreaterThanOrEqual(
      COMMIT_MS + 4 * ENTRY_MS - EARLY_MS,
    );
  });

  test("reads, queries and aggregations take their time", async () => {
    const db = client();
    await db.doc("read/a").set({ a: 1 });
    for (const read of [
      () => db.doc("read/a").get(),
      () => db.collection("read").where("a", "==", 1).get(),
      () => db.collection("read").count().get(),
    ]) {
      expect(await tookMs(read)).toBeGreaterThanOrEqual(READ_MS - EARLY_MS);
    }
  });

  test("commits of one document go one after the other, those of others at once", async () => {
    const db = client();
    const one = await tookMs(() =>
      Promise.all(
        Array.from({ length: 10 }, () =>
          db.doc("queue/one").set({ n: FieldValue.increment(1) }, { merge: true }),
        ),
      ),
    );
    expect(one).toBeGreaterThanOrEqual(10 * (COMMIT_MS - EARLY_MS));
    expect((await db.doc("queue/one").get()).get("n")).toBe(10);
    const many = await tookMs(() =>
      Promise.all(Array.from({ length: 10 }, (_, index) => db.doc(`queue/${index}`).set({ n: 1 }))),
    );
    expect(many).toBeLessThan(one);
  });

  test("of too many commits on one document some are aborted, and the others are all applied", async () => {
    const db = client();
    // The client itself tries an aborted commit again.
    const increment = {
      database: databaseOf(db),
      writes: [
        {
          transform: {
            document: `${databaseOf(db)}/documents/hot/one`,
            fieldTransforms: [{ fieldPath: "n", increment: { integerValue: 1 } }],
          },
        },
      ],
    };
    const outcomes = await Promise.allSettled(
      Array.from({ length: COMMITS_WAITING_MAX + 20 }, () => firestore.call("Commit", increment)),
    );
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: 10,
        details: "Too much contention on these documents. Please try again.",
      });
    }
    expect((await db.doc("hot/one").get()).get("n")).toBe(outcomes.length - refused.length);
  }, 20_000);

  test("a transaction that reads what others write is retried until it is right", async () => {
    const db = client();
    const counter = db.doc("counted/one");
    await counter.set({ n: 0 });
    const increment = () =>
      db.runTransaction(async (transaction) => {
        const { n } = (await transaction.get(counter)).data() as { n: number };
        transaction.update(counter, { n: n + 1 });
      });
    await Promise.all(Array.from({ length: 10 }, increment));
    expect((await counter.get()).get("n")).toBe(10);
  }, 20_000);

  test("a refused commit frees what it waited for", async () => {
    const db = client();
    await db.doc("refused/one").create({ n: 1 });
    await expect(db.doc("refused/one").create({ n: 2 })).rejects.toMatchObject({ code: 6 });
    await db.doc("refused/one").set({ n: 3 });
    expect((await db.doc("refused/one").get()).get("n")).toBe(3);
  });

  test("is billed as without", async () => {
    const { meter } = firestore.kernel;
    const counts = await Promise.all(
      [client(), firestore.client()].map(async (db) => {
        await db.doc("billed/one").set({ n: 1 });
        await db.collection("billed").get();
        return meter.read({ project: projectIdOf(db) }).billed;
      }),
    );
    expect(counts[0]).toEqual(counts[1]);
    expect(counts[0]).toMatchObject({ writes: 1, reads: 1 });
  });

  test("what has expired stays for hours", async () => {
    const db = client();
    const note = db.doc("notes/a");
    await note.set({ expires: new Date(firestore.kernel.clock.now() + 1_000) });
    const deleted = new Promise<void>((resolve) => {
      const unsubscribe = note.onSnapshot(({ exists }) => {
        if (exists) return;
        unsubscribe();
        resolve();
      });
    });
    firestore.kernel.clock.advance(TTL_DELAY_MS / 2);
    expect((await note.get()).exists).toBe(true);
    firestore.kernel.clock.advance(TTL_DELAY_MS);
    await deleted;
  });
});

describe("the time that a commit takes", () => {
  const startAt = (nowMs: number) => {
    const clock = { nowMs };
    return { clock, physics: new CommitPhysics(() => clock.nowMs) };
  };

  test("grows with each write beyond the burst, up to one a second", () => {
    const { physics } = startAt(1);
    for (let write = 0; write < BURST_WRITES; write += 1) expect(physics.commitMs(["a"], 0)).toBe(COMMIT_MS);
    expect(physics.commitMs(["a"], 2)).toBe(COMMIT_MS + 2 * ENTRY_MS + CONTENDED_STEP_MS);
    expect(physics.commitMs(["a", "b"], 0)).toBe(COMMIT_MS + 2 * CONTENDED_STEP_MS);
    expect(physics.commitMs(["b"], 0)).toBe(COMMIT_MS);
    for (let write = 0; write < 1_000; write += 1) physics.commitMs(["a"], 0);
    expect(physics.commitMs(["a"], 0)).toBe(COMMIT_MS + CONTENDED_MS_MAX);
  });

  test("is as before once the document has rested", () => {
    const { clock, physics } = startAt(1);
    for (let write = 0; write < 2 * BURST_WRITES; write += 1) physics.commitMs(["a"], 0);
    clock.nowMs += BURST_WRITES * 1_000 + 1;
    expect(physics.commitMs(["a"], 0)).toBeLessThanOrEqual(COMMIT_MS + CONTENDED_STEP_MS);
    clock.nowMs += 1_000;
    expect(physics.commitMs(["a"], 0)).toBeLessThanOrEqual(COMMIT_MS + CONTENDED_STEP_MS);
  });
});

test("without physics a commit waits for nothing", async () => {
  const db = firestore.client();
  await db.doc("fast/one").set({ n: 0 });
  const all = await tookMs(() =>
    Promise.all(Array.from({ length: 60 }, () => db.doc("fast/one").set({ n: 1 }))),
  );
  expect(all).toBeLessThan(60 * COMMIT_MS);
});

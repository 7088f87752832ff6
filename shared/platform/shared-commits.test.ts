import { beforeAll, expect, test } from "vitest";
import { useSystem } from "../testing/use-system.ts";
import {
  ALONE_MAX,
  COMMIT_BYTES_MAX,
  createSharedCommits,
  PARTS_MAX,
  type SharedCommits,
} from "./shared-commits.ts";

let commits: SharedCommits;
const system = useSystem();
beforeAll(async () => {
  commits = createSharedCommits(system.deps.firestore);
});

const ref = (name: string) => system.deps.firestore.doc(`parts/${name}`);
const creating = (name: string, bytes = 10) =>
  commits.commit({ writes: 1, bytes, add: (batch) => batch.create(ref(name), { name }) });

test("a few parts go by themselves, at once", async () => {
  const cost = await system.meter(() => Promise.all(["a", "b", "c"].map((name) => creating(name))));
  expect(cost.rpcs["firestore.Commit"]).toBe(3);
});

test("many parts share commits, and each hears of its own writes", async () => {
  const names = Array.from({ length: ALONE_MAX + 3 * PARTS_MAX }, (_, index) => `many-${index}`);
  let times: Awaited<ReturnType<typeof creating>>[] = [];
  const cost = await system.meter(async () => {
    times = await Promise.all(names.map((name) => creating(name)));
  });
  expect(cost.rpcs["firestore.Commit"]).toBeLessThanOrEqual(ALONE_MAX + 3 + 1);
  for (const [index, name] of names.entries()) {
    const stored = await ref(name).get();
    expect(stored.updateTime?.isEqual(times[index]?.[0] as never)).toBe(true);
  }
});

test("a part that is refused takes no other with it", async () => {
  await ref("taken").set({});
  const names = Array.from({ length: ALONE_MAX + PARTS_MAX }, (_, index) => `neighbour-${index}`);
  names[ALONE_MAX + 2] = "taken";
  const settled = await Promise.allSettled(names.map((name) => creating(name)));
  const refused = names.filter((_, index) => settled[index]?.status === "rejected");
  expect(refused).toEqual(["taken"]);
  for (const name of names) expect((await ref(name).get()).exists).toBe(true);
});

test("large parts do not share", async () => {
  const names = Array.from({ length: ALONE_MAX + 4 }, (_, index) => `large-${index}`);
  const cost = await system.meter(() => Promise.all(names.map((name) => creating(name, COMMIT_BYTES_MAX))));
  expect(cost.rpcs["firestore.Commit"]).toBe(names.length);
});

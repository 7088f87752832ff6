import { expect, test } from "vitest";
import type { QueryDocumentSnapshot } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { type Revocation, type RevocationList, revocationIndex } from "./revocation.ts";

const documentOf = (id: string, revocation: Partial<Revocation>) =>
  ({ id, data: () => revocation }) as unknown as QueryDocumentSnapshot;

test("the list kept entry by entry is what all entries together make", () => {
  const random = seededRandom(5);
  const upTo = (max: number): number => Math.floor(random() * max);
  const index = revocationIndex();
  const stored = new Map<string, Partial<Revocation>>();
  const whole = (): RevocationList => {
    const anew = revocationIndex();
    for (const [id, revocation] of stored) anew.set(documentOf(id, revocation));
    return anew.value;
  };
  for (let step = 0; step < 2_000; step += 1) {
    const id = `entry ${upTo(40)}`;
    if (random() < 0.4) {
      stored.delete(id);
      index.remove(id);
    } else {
      const revocation: Partial<Revocation> = {
        scope: "user",
        id: `user ${upTo(6)}`,
        ends: random() < 0.5 ? "tokens" : "sessions",
        before: Timestamp.fromMillis(upTo(1_000)),
      };
      stored.set(id, revocation);
      index.set(documentOf(id, revocation));
    }
    expect(Object.fromEntries(index.value), `step ${step}`).toEqual(Object.fromEntries(whole()));
  }
});

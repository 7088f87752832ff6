import { expect, test } from "vitest";
import { claimLease, type Lease, writeLease } from "../../../shared/platform/lease.ts";
import { useSystem } from "../../../shared/testing/use-system.ts";

const system = useSystem();

let documents = 0;
const newRef = () => system.deps.firestore.collection("leases").doc(`lease-${(documents += 1)}`);
async function claimed(): Promise<Lease> {
  const lease = await claimLease(await newRef().get(), { step: 0 });
  if (lease === undefined) throw new Error("Nobody else has it.");
  return lease;
}
const stepOf = async ({ ref }: Pick<Lease, "ref">): Promise<unknown> => (await ref.get()).get("step");

test("of several who claim what they found free, one has the lease", async () => {
  const found = await newRef().get();
  const all = await Promise.all([1, 2, 3, 4].map((step) => claimLease(found, { step })));
  const held = all.filter((lease) => lease !== undefined);
  expect(held).toHaveLength(1);
  expect(await stepOf(found)).toBe(all.findIndex((lease) => lease !== undefined) + 1);
});

test("whoever was taken over writes no more, and the one after does", async () => {
  const before = await claimed();
  const after = await claimLease(await before.ref.get(), { step: 1 });
  expect(await writeLease(before, { step: "late" })).toBe(false);
  expect(after && (await writeLease(after, { step: 2 }))).toBe(true);
  expect(await stepOf(before)).toBe(2);
});

test("a claim, a renewal and a completion cost one write each and no read", async () => {
  const found = await newRef().get();
  const cost = await system.meter(async () => {
    const lease = await claimLease(found, { step: 0 });
    expect(lease && (await writeLease(lease, { step: 1 }))).toBe(true);
    expect(lease && (await writeLease(lease, { step: 2 }))).toBe(true);
  });
  expect(cost.billed).toEqual({ reads: 0, writes: 3, deletes: 0 });
});

// "twice" is what Google's client does with a write that it got no answer for: the second is refused.
for (const kind of ["after", "twice"] as const) {
  test(`a write that was applied and is answered with a failure counts as written (${kind})`, async () => {
    const fail = (): void =>
      system.fault({ service: "firestore", method: "Commit", kind, code: "DEADLINE_EXCEEDED" });
    const found = await newRef().get();
    fail();
    const lease = await claimLease(found, { step: 0 });
    if (lease === undefined) throw new Error("The claim was applied.");
    fail();
    expect(await writeLease(lease, { step: 1 })).toBe(true);
    expect(await writeLease(lease, { step: 2 })).toBe(true);
    expect(await stepOf(found)).toBe(2);
  });
}

test("a write that was not applied throws and leaves the lease as it was, to be written again", async () => {
  const lease = await claimed();
  system.fault({ service: "firestore", method: "Commit", kind: "before", code: "DEADLINE_EXCEEDED" });
  await expect(writeLease(lease, { step: 1 })).rejects.toMatchObject({ code: 4 });
  expect(await stepOf(lease)).toBe(0);
  expect(await writeLease(lease, { step: 1 })).toBe(true);
});

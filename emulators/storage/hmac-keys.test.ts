import { afterAll, expect, test } from "vitest";
import { startStorage } from "./testing.ts";

const suite = await startStorage();
afterAll(() => suite[Symbol.asyncDispose]());
const client = suite.client("keys");
const email = "robot@keys.iam.gserviceaccount.com";

const codeOf = (promise: Promise<unknown>): Promise<number> =>
  promise.then(
    () => 200,
    (cause: { code: number }) => cause.code,
  );

test("a key is made with a secret that is shown once, and found by its access id", async () => {
  const [key, secret] = await client.createHmacKey(email);
  expect(secret).toMatch(/^[A-Za-z0-9+/]{40}$/);
  expect(key.metadata).toMatchObject({
    accessId: expect.stringMatching(/^GOOG1E[A-Z2-7]{55}$/) as unknown,
    state: "ACTIVE",
    projectId: "keys",
    serviceAccountEmail: email,
  });
  const accessId = key.metadata?.accessId ?? "";
  const [read] = await client.hmacKey(accessId).getMetadata();
  expect(read).toEqual(key.metadata);
  expect(JSON.stringify(read)).not.toContain(secret);
  expect(await codeOf(client.hmacKey("GOOG1EUNKNOWN").getMetadata())).toBe(404);
  expect(await codeOf(suite.client("other").hmacKey(accessId).getMetadata())).toBe(404);
});

test("only an inactive key can be deleted, and a deleted one is listed only on request", async () => {
  const [{ metadata }] = await client.createHmacKey("second@keys.iam.gserviceaccount.com");
  const accessId = metadata?.accessId ?? "";
  const key = client.hmacKey(accessId);
  expect(await codeOf(key.delete())).toBe(400);
  expect(await codeOf(key.setMetadata({ state: "INACTIVE", etag: "stale" }))).toBe(412);
  const [inactive] = await key.setMetadata({ state: "INACTIVE" });
  expect(inactive).toMatchObject({ accessId, state: "INACTIVE" });
  await key.delete();
  expect((await key.getMetadata())[0]).toMatchObject({ state: "DELETED" });
  expect(await codeOf(key.setMetadata({ state: "ACTIVE" }))).toBe(400);
  const idsOf = async (options?: object): Promise<unknown[]> =>
    (await client.getHmacKeys(options))[0].map((each) => each.metadata?.accessId);
  expect(await idsOf()).not.toContain(accessId);
  expect(await idsOf({ showDeletedKeys: true })).toContain(accessId);
});

test("keys are listed by account and by pages, of one project only", async () => {
  const paged = suite.client("paged");
  const emails = ["a", "b", "a", "a"].map((name) => `${name}@paged.iam.gserviceaccount.com`);
  for (const each of emails) await paged.createHmacKey(each);
  const [ofA] = await paged.getHmacKeys({ serviceAccountEmail: emails[0] ?? "" });
  expect(ofA).toHaveLength(3);
  const [page] = await paged.getHmacKeys({ maxResults: 2, autoPaginate: false });
  expect(page).toHaveLength(2);
  expect((await suite.client("empty").getHmacKeys())[0]).toEqual([]);
});

test("an account has at most ten keys", async () => {
  const full = suite.client("full");
  for (let made = 0; made < 10; made += 1) await full.createHmacKey(email);
  expect(await codeOf(full.createHmacKey(email))).toBe(400);
});

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { HELD_LOOK_MS, UNSENT_MS } from "../../../shared/files/limits.ts";
import type { Person } from "../../../shared/testing/start-system.ts";
import { uploadFile } from "../../../shared/testing/upload-file.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

/** Pictures of people and the app's logo: uploaded as files are, square, shown by their address. */

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@pictures.test", "bob@pictures.test");

const app = "/v1/apps/demo";
const avatar = `${app}/me/avatar`;

async function upload(
  { api }: Pick<Person, "api">,
  { purpose = "avatar", width = 900, height = 600 } = {},
): Promise<string> {
  const bytes = await sharp({ create: { width, height, channels: 3, background: "teal" } })
    .jpeg()
    .toBuffer();
  const draft = { name: "me.jpg", type: "image/jpeg", bytes, purpose };
  const { id } = await uploadFile(api, draft);
  await system.settle();
  return id;
}
const isGenerated = (url: string): boolean => url.startsWith("data:image/svg+xml,");
/** Of the API, as a page loads it: without a token. */
const load = (url: string): Promise<Response> => fetch(url, { redirect: "manual" });
const urlOf = (id: string): string => `${system.url}${app}/pictures/${id}`;
const objectsOf = async (id: string): Promise<number> =>
  (await system.deps.bucket.list(`files/demo/${id}/`, { limit: 10 })).length;

describe("a person's picture", () => {
  test("is square, in three sizes, seen by all, and cached", async () => {
    const id = await upload(ada);
    const { status, body } = await ada.api.put(avatar, { file: id });
    expect([status, body.id]).toEqual([200, ada.id]);
    expect(body.avatarUrl).toBe(urlOf(id));
    expect((await bob.api.get(`${app}/users/${ada.id}`)).body.avatarUrl).toBe(body.avatarUrl);
    for (const [query, side] of [
      ["", 512],
      ["?size=48", 96],
      ["?size=200", 256],
    ] as const) {
      const reply = await load(`${body.avatarUrl}${query}`);
      expect([reply.status, reply.headers.get("cache-control")]).toEqual([302, "public, max-age=3600"]);
      const picture = await fetch(reply.headers.get("location") ?? "");
      const { format, width, height } = await sharp(Buffer.from(await picture.arrayBuffer())).metadata();
      expect([format, width, height]).toEqual(["webp", side, side]);
    }
  });

  test("stays while it is shown; what was before it goes with its bytes", async () => {
    const [first, second] = [await upload(ada), await upload(ada)];
    await ada.api.put(avatar, { file: first });
    const { body } = await ada.api.put(avatar, { file: second });
    expect((await ada.api.put(avatar, { file: second })).body.avatarUrl).toBe(body.avatarUrl);
    await system.runSchedule("tend-files");
    expect([await objectsOf(first), await objectsOf(second)]).toEqual([0, 4]);
    const { clock } = system.suite.kernel;
    clock.advance(HELD_LOOK_MS + UNSENT_MS);
    await system.runSchedule("tend-files");
    expect(await objectsOf(second)).toBe(4);
    expect((await load(body.avatarUrl)).status).toBe(302);
    clock.advance(-HELD_LOOK_MS - UNSENT_MS);
    const { body: without } = await ada.api.delete(avatar);
    expect(isGenerated(without.avatarUrl)).toBe(true);
    expect((await load(body.avatarUrl)).status).toBe(404);
    await system.runSchedule("tend-files");
    expect(await objectsOf(second)).toBe(0);
  });

  test("at an address of another place lets go of the file, which is removed when it is looked at", async () => {
    const id = await upload(ada);
    await ada.api.put(avatar, { file: id });
    await ada.api.patch(`${app}/me`, { avatarUrl: "https://pictures.test/ada.png" });
    const { clock } = system.suite.kernel;
    for (let looks = 0; looks < 2; looks += 1) {
      clock.advance(HELD_LOOK_MS + 1);
      await system.runSchedule("tend-files");
    }
    expect(await objectsOf(id)).toBe(0);
    clock.advance(-2 * HELD_LOOK_MS - 2);
  });

  test.each([
    ["a file of somebody else", () => upload(bob), 404],
    ["no file that there is", async () => "a".repeat(26), 404],
    ["an image of another purpose", () => upload(ada, { purpose: "logo" }), 400],
  ])("is not %s", async (_, make, status) => {
    expect((await ada.api.put(avatar, { file: await make() })).status).toBe(status);
  });

  test("is no other kind of file, and none that is in no use", async () => {
    const draft = { name: "me.txt", type: "text/plain", bytes: Buffer.from("Me"), purpose: "avatar" };
    const { id } = await uploadFile(ada.api, draft);
    await system.settle();
    expect((await ada.api.get(`${app}/files/${id}`)).body).toMatchObject({
      status: "refused",
      refusal: "image_unsupported",
    });
    expect((await ada.api.put(avatar, { file: id })).status).toBe(400);
    const unused = await upload(ada);
    expect((await load(urlOf(unused))).status).toBe(404);
  });

  test("costs two reads and two writes to set, and a read to see", async () => {
    const id = await upload(bob);
    const set = await system.meterRequest(() => bob.api.put(avatar, { file: id }));
    // And one to show the person.
    expect([set.billed.reads, set.billed.writes]).toEqual([3, 2]);
    const { body } = await bob.api.get(`${app}/me`);
    const seen = await system.meterRequest(() => load(body.avatarUrl));
    expect([seen.billed.reads, seen.billed.writes]).toEqual([1, 0]);
  });
});

describe("the app's logo", () => {
  test("is set and taken away by its owners alone, and seen by all", async () => {
    const id = await upload({ api: system.operator }, { purpose: "logo" });
    const { status, body } = await system.operator.put(`${app}/logo`, { file: id });
    expect([status, body.logoUrl]).toEqual([200, urlOf(id)]);
    expect((await ada.api.get(app)).body.logoUrl).toBe(body.logoUrl);
    expect((await load(body.logoUrl)).status).toBe(302);
    const own = await upload(ada, { purpose: "logo" });
    expect((await ada.api.put(`${app}/logo`, { file: own })).status).toBe(403);
    expect((await ada.api.delete(`${app}/logo`)).status).toBe(403);
    expect((await system.operator.delete(`${app}/logo`)).body.logoUrl).toBeUndefined();
    await system.runSchedule("tend-files");
    expect(await objectsOf(id)).toBe(0);
  });
});

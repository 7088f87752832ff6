import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Person } from "../../../shared/testing/start-system.ts";
import { startChat, usePeople, useRole, useSystem } from "../../../shared/testing/use-system.ts";

/** Whom people see in an app, and whom they may write to. */

const users = "/v1/apps/demo/users";

const system = useSystem();
const [ada, bob, carol] = usePeople(system, "ada@example.test", "bob@example.test", "carol@example.test");
const admin = useRole(system, "admin");
beforeAll(() => startChat(ada.api, { members: [bob] }));

const set = (settings: object) => system.operator.patch("/v1/apps/demo", { settings });
beforeEach(() => set({ directory: "everyone", contact: "anyone" }));

const seenBy = async ({ api }: Person, query = ""): Promise<string[]> =>
  (await api.get(`${users}${query}`)).body.data.map(({ id }: { id: string }) => id);

describe("the directory", () => {
  test("of shared chats shows those one has a chat with, and oneself", async () => {
    await set({ directory: "shared-chats" });
    expect(await seenBy(ada)).toEqual([ada.id, bob.id].sort());
    expect(await seenBy(carol)).toEqual([carol.id]);
    expect((await ada.api.get(`${users}/${bob.id}`)).status).toBe(200);
    expect((await ada.api.get(`${users}/${carol.id}`)).status).toBe(404);
    expect(await seenBy(admin)).toHaveLength(4);
  });

  test("of admins shows nobody but oneself; names in shared chats can still be looked up", async () => {
    await set({ directory: "admins" });
    expect(await seenBy(ada)).toEqual([ada.id]);
    expect((await ada.api.get(`${users}/${bob.id}`)).body.name).toBe("bob");
    expect((await ada.api.get(`${users}/${carol.id}`)).status).toBe(404);
    expect(await seenBy(admin)).toHaveLength(4);
  });

  test("is paged, and a cursor is good for its own list only", async () => {
    await set({ directory: "shared-chats" });
    const { body } = await ada.api.get(`${users}?limit=1`);
    expect([body.data.length, body.hasMore]).toEqual([1, true]);
    const next = await ada.api.get(`${users}?limit=1&cursor=${encodeURIComponent(body.next)}`);
    expect([body.data[0].id, next.body.data[0].id]).toEqual([ada.id, bob.id].sort());
    expect((await bob.api.get(`${users}?cursor=${encodeURIComponent(body.next)}`)).status).toBe(400);
  });
});

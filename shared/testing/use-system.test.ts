import { afterAll, describe, expect, test } from "vitest";
import { startChat, usePeople, useResource, useSystem } from "./use-system.ts";

describe("what the tests of a file share", () => {
  const order: string[] = [];
  const useNamed = (name: string) =>
    useResource(async () => {
      order.push(`${name} is made`);
      const dispose = (): Promise<void> => Promise.resolve(void order.push(`${name} is gone`));
      return { name, [Symbol.asyncDispose]: dispose };
    });
  afterAll(() => {
    const gone = order.slice(2).join();
    if (gone !== "second is gone,first is gone") throw new Error(`In the end ${gone}.`);
  });
  const first = useNamed("first");
  const second = useNamed("second");
  let tooEarly = "";
  try {
    tooEarly = first.name;
  } catch (cause) {
    tooEarly = String(cause);
  }

  test("is made in the order in which it is named, and gone in the reverse order", () => {
    expect([first.name, second.name]).toEqual(["first", "second"]);
    expect(order).toEqual(["first is made", "second is made"]);
    expect(tooEarly).toBe("Error: name is there once the tests have begun.");
  });
});

describe("a system with people", () => {
  const system = useSystem();
  const [ada, bob] = usePeople(system, "ada@fixture.test", "bob@fixture.test");

  test("has a chat with them in which the texts stand in order", async () => {
    const { path } = await startChat(ada.api, { members: [bob], texts: ["One", "Two"], title: "Tea" });
    const { body: chat } = await bob.api.get(path);
    expect(chat).toMatchObject({ kind: "group", title: "Tea", members: [ada.id, bob.id] });
    const { body } = await bob.api.get(`${path}/messages?after=0`);
    expect(body.data.map(({ text }: { text: string }) => text)).toEqual(["One", "Two"]);
  });

  test("says which draft or text is refused", async () => {
    await expect(startChat(ada.api, { title: "x".repeat(10_000) })).rejects.toThrow("was answered with 400");
    await expect(startChat(ada.api, { texts: [""] })).rejects.toThrow('"" was answered with 400.');
  });

  test("has somebody with a role, whose tokens say so", async () => {
    const admin = await system.signInAs("admin");
    expect(admin).toMatchObject({ email: "admin@example.test", session: { user: { role: "admin" } } });
    await expect(system.signInAs("service")).rejects.toThrow("The role service was answered with 400.");
  });
});

import { expect, test } from "vitest";
import { startChat, useSystem } from "../../../shared/testing/use-system.ts";

const linesOf = (system: { readonly logs: readonly Record<string, unknown>[] }) =>
  system.logs.filter(({ event }) => event === "search.explained");

const traced = useSystem({ traced: true });
const untraced = useSystem();

test("of a search that is traced the log says what the index took, and not what was looked for", async () => {
  const ada = await traced.signIn("ada@explained.test");
  await startChat(ada.api, { texts: ["An elephant", "A giraffe", "Another elephant"] });
  await traced.settle();
  const { body } = await ada.api.get("/v1/apps/demo/search?q=elephant");
  expect(body.data).toHaveLength(2);
  const lines = linesOf(traced);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines[0]).toMatchObject({
    severity: "INFO",
    app: "demo",
    results: 2,
    reads: 2,
    entriesScanned: expect.any(Number),
    tookMs: expect.any(Number),
  });
  expect(Number(lines[0]?.["entriesScanned"])).toBeGreaterThanOrEqual(2);
  expect(JSON.stringify(lines)).not.toContain("elephant");
});

test("a search that is not traced is not explained", async () => {
  const ada = await untraced.signIn("ada@explained.test");
  await startChat(ada.api, { texts: ["An elephant"] });
  await untraced.settle();
  expect((await ada.api.get("/v1/apps/demo/search?q=elephant")).body.data).toHaveLength(1);
  expect(linesOf(untraced)).toEqual([]);
});

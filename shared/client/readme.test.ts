import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { until } from "../testing/live-clients.ts";
import { readCode, startSystem } from "../testing/start-system.ts";
import type { ChatView } from "./chat-view.ts";
import { connect, type Desk } from "./connect.ts";

test("the README's example runs as it stands", async () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  await using system = await startSystem();
  const shown: string[] = [];
  const readCodeFromMail = async (): Promise<string> => {
    await system.settle();
    return readCode(system, "ada@example.com");
  };
  const code = `return (async () => { ${stripTypeScriptTypes(example)}; return { desk, view }; })();`;
  // oxlint-disable-next-line typescript/no-implied-eval -- the example is a text, and is to be run as one
  const run = new Function("connect", "url", "readCodeFromMail", "show", code);
  const { desk, view } = (await run(connect, system.url, readCodeFromMail, (_: unknown, text: string) =>
    shown.push(text),
  )) as { desk: Desk; view: ChatView };
  try {
    await until(view, () => view.messages.length === 1 && view.drafts.length === 0);
    expect(shown).toContain("Shall we plant beans?");
    expect(example.trim().split("\n").length).toBeLessThanOrEqual(20);
  } finally {
    desk.close();
  }
});

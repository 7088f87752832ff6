import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { serveLoopback } from "../../kernel/loopback.ts";
import { createHosting } from "./server.ts";
import { withoutTypes } from "./typed-modules.ts";

/**
 * Hosting with these files: those in site/ are the public folder, those in client/ are served below /client/.
 */
async function host(
  files: Readonly<Record<string, string>>,
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const folder = mkdtempSync(join(tmpdir(), "modules-"));
  for (const [path, content] of Object.entries({ "site/index.html": "", ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const hosting = createHosting({
    rules: { publicFolder: "", functionFor: () => undefined },
    publicFolder: join(folder, "site"),
    folders: [{ path: "/client/", folder: join(folder, "client") }],
    suiteModule: "/client/suite.js",
    functionsPort: () => undefined,
    controlUrl: () => "http://127.0.0.1:1",
    storageUrl: () => "http://127.0.0.1:9199",
  });
  const server = await serveLoopback(0, hosting.listener);
  onTestFinished(async () => {
    await server.close();
    hosting.close();
    rmSync(folder, { recursive: true });
  });
  return (path, init) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

test("a module is served without its types, and imports its neighbours as they are served", async () => {
  const read = await host({
    "client/sum.ts": "export const sum = (a: number, b: number): number => a + b;\n",
    "client/main.ts":
      'import type { Far } from "../far.ts";\nimport { sum } from "./sum.ts";\nexport const three: Far = sum(1, 2);\n',
    "client/main.test.ts": "export {};\n",
  });
  const answer = await read("/client/main.js");
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const text = await answer.text();
  expect(text).not.toMatch(/Far|\.ts"/);
  expect(text).toContain('from "./sum.js"');
  expect((await read("/client/main.test.js")).status).toBe(404);
  expect((await read("/client/../sum.js")).status).toBe(404);
  expect((await read("/client/none.js")).status).toBe(404);
});

test("a module of another folder is imported from where that one is served", async () => {
  const read = await host({
    "site/chat/chats.ts":
      'import { sum } from "../../client/sum.ts";\nimport { el } from "../frame/dom.ts";\n',
    "client/console.ts": 'export { el } from "../site/frame/dom.ts";\n',
    "client/console.css": ".panel {}",
  });
  const text = await (await read("/chat/chats.js")).text();
  expect(text).toContain('import { sum } from "/client/sum.js";');
  expect(text).toContain('import { el } from "../frame/dom.js";');
  expect(await (await read("/client/console.js")).text()).toContain('from "/frame/dom.js"');
  expect((await read("/client/console.css")).headers.get("content-type")).toContain("text/css");
});

test("a module that has not changed is not sent again", async () => {
  const read = await host({ "site/page.ts": "export {};\n" });
  const etag = (await read("/page.js")).headers.get("etag") ?? "";
  expect((await read("/page.js", { headers: { "if-none-match": etag } })).status).toBe(304);
});

test("the page is told which module the suite adds", async () => {
  const read = await host({});
  expect(await (await read("/__/suite.json")).json()).toEqual({
    control: "http://127.0.0.1:1",
    module: "/client/suite.js",
  });
});

test("lines and columns stay where they were", () => {
  const source = "const a: number = 1;\nthrow new Error(String(a));\n";
  expect(
    withoutTypes(source)
      .split("\n")
      .map((line) => line.length),
  ).toEqual(source.split("\n").map((line) => line.length));
});

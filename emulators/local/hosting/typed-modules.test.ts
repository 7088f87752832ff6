import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createHosting } from "./server.ts";
import { withoutTypes } from "./typed-modules.ts";

test("a module is served without its types, and imports its neighbours as they are served", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modules-"));
  mkdirSync(join(folder, "site"));
  writeFileSync(join(folder, "sum.ts"), "export const sum = (a: number, b: number): number => a + b;\n");
  writeFileSync(
    join(folder, "main.ts"),
    'import type { Far } from "../far.ts";\nimport { sum } from "./sum.ts";\nexport const three: Far = sum(1, 2);\n',
  );
  writeFileSync(join(folder, "main.test.ts"), "export {};\n");
  const hosting = createHosting({
    rules: { publicFolder: "", functionFor: () => undefined },
    publicFolder: join(folder, "site"),
    folders: [{ path: "/client/", folder }],
    functionsPort: () => undefined,
    controlUrl: () => "http://127.0.0.1:1",
  });
  const server = createServer(hosting.listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const read = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  try {
    const answer = await read("/client/main.js");
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    const text = await answer.text();
    expect(text).not.toMatch(/Far|\.ts"/);
    expect(text).toContain('from "./sum.js"');
    expect((await read("/client/main.test.js")).status).toBe(404);
    expect((await read("/client/../sum.js")).status).toBe(404);
    expect((await read("/client/none.js")).status).toBe(404);
  } finally {
    server.close();
    hosting.close();
    rmSync(folder, { recursive: true });
  }
});

test("lines and columns stay where they were", () => {
  const source = "const a: number = 1;\nthrow new Error(String(a));\n";
  expect(
    withoutTypes(source)
      .split("\n")
      .map((line) => line.length),
  ).toEqual(source.split("\n").map((line) => line.length));
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { COLUMNS_MAX, longLines } from "./long-lines.ts";

const wide = `${"word ".repeat(COLUMNS_MAX / 5)}more`;
const linked = `https://example.com/${"x".repeat(COLUMNS_MAX)}`;

describe("too wide", () => {
  test.each([
    ["docs/notes.md", wide],
    ["docs/notes.md", `- ${wide}`],
    ["CHANGELOG.md", `\`\`\`sh\n${wide}\n\`\`\`\n${wide}`],
    ["shared/a.ts", `// ${wide}`],
    ["shared/a.ts", `/** ${wide} */`],
    ["shared/a.ts", `/**\n * ${wide}\n */`],
    ["shared/a.ts", `const a = 1; // ${wide}`],
    ["page/a.css", `/* ${wide} */`],
    ["terraform/a.tf", `  # ${wide}`],
    ["cloudbuild.yaml", `# ${wide}`],
    [".ci/run", `# ${wide}`],
    [".env.example", `# ${wide}`],
  ])("in %s is %j", (path, text) => {
    const lines = text.split("\n");
    const last = lines.findLastIndex((line) => line.includes("word")) + 1;
    expect(longLines(path, text)).toEqual([last]);
  });

  test.each([
    ["docs/notes.md", wide.slice(0, COLUMNS_MAX)],
    ["docs/notes.md", `| a cell | ${wide} |`],
    ["docs/notes.md", `\`\`\`sh\n${wide}\n\`\`\``],
    ["docs/notes.md", `- ${linked}`],
    ["shared/a.ts", `// ${linked}`],
    ["shared/a.ts", `const text = "${wide}";`],
    ["shared/a.ts", `// oxlint-disable-next-line typescript/no-explicit-any -- ${wide}`],
    ["terraform/a.tf", `  title = "${wide}"`],
    ["package-lock.json", wide],
  ])("in %s is not %j", (path, text) => {
    expect(longLines(path, text)).toEqual([]);
  });
});

test("the check names a planted line and fails, and passes without it", () => {
  const folder = mkdtempSync(join(tmpdir(), "lines-"));
  const check = () => {
    const script = join(import.meta.dirname, "check-lines.ts");
    const { status, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: "utf8" });
    return { status, named: stderr.split("\n").filter((line) => line.includes("wider than")) };
  };
  try {
    spawnSync("git", ["init", "--quiet"], { cwd: folder });
    writeFileSync(join(folder, "fine.ts"), "// Short.\n");
    expect(check()).toEqual({ status: 0, named: [] });
    writeFileSync(join(folder, "wide.ts"), `// Short.\n// ${wide}\n`);
    const named = [`wide.ts:2: wider than ${COLUMNS_MAX} columns`];
    expect(check()).toEqual({ status: 1, named });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

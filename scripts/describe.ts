import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { endpoints } from "../functions/http/endpoints.ts";
import { breakingChanges } from "../functions/http/openapi/breaking-changes.ts";
import { type ApiDescription, describeApi } from "../functions/http/openapi/describe-api.ts";

/**
 * `npm run describe [-- --break]`: writes what the API promises, functions/http/openapi/openapi.json, as it
 * is now. What would break clients of the promise before it is printed and not written; `--break` writes it.
 */
const FILE = "functions/http/openapi/openapi.json";

const now = describeApi(endpoints);
const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as ApiDescription) : undefined;
const broken = before === undefined ? [] : breakingChanges(before, now);
if (broken.length > 0) console.error(`This breaks clients:\n${broken.join("\n")}`);
if (broken.length > 0 && !process.argv.includes("--break")) process.exitCode = 1;
else writeFileSync(FILE, inLines(now));

/** An operation or a schema a line, so that a difference shows what has changed. */
function inLines(description: ApiDescription): string {
  const lines = (value: object, depth: number): string => {
    if (depth === 0) return JSON.stringify(value);
    const members = Object.entries(value).map(([name, member]) => {
      const isDeep = typeof member === "object" && member !== null && !Array.isArray(member);
      return `${JSON.stringify(name)}: ${isDeep ? lines(member as object, depth - 1) : JSON.stringify(member)}`;
    });
    return `{\n${members.join(",\n")}\n}`;
  };
  return `${lines(description, 3)}\n`;
}

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withoutTypes } from "../emulators/local/hosting/typed-modules.ts";

/** Writes the page as hosting serves it here: its own files, and the client without its types beside them. */
export function buildPage(page: string, client: string, out: string): void {
  cpSync(page, out, { recursive: true });
  mkdirSync(join(out, "client"), { recursive: true });
  for (const name of readdirSync(client)) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
    const source = readFileSync(join(client, name), "utf8");
    writeFileSync(join(out, "client", name.replace(/\.ts$/, ".js")), withoutTypes(source));
  }
}

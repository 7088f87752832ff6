import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { DataFolderError } from "../kernel/data-folder.ts";

/** The file of the data folder in which the local system keeps its secrets between starts. */
export const KEEPSAKES_FILE = "keepsakes.json";

const Stored = z.object({
  /** The functions' own secret: 32 random bytes, base64url. */
  secret: z.string().min(43),
  operatorKey: z.string().min(1),
  /** API tokens of the apps that the local system has created, by "project/app". The API shows them once. */
  appTokens: z.record(z.string(), z.string()),
});
type Stored = z.infer<typeof Stored>;

export interface Keepsakes {
  readonly secret: string;
  readonly operatorKey: string;
  appToken(project: string, app: string): string | undefined;
  keepAppToken(project: string, app: string, token: string): void;
}

/** Reads the secrets, or draws them at the first start. `path` undefined: they end with the process. */
export function openKeepsakes(path: string | undefined): Keepsakes {
  const stored = path !== undefined && existsSync(path) ? read(path) : draw();
  const save = (): void => {
    if (path !== undefined) writeAtomically(path, `${JSON.stringify(stored, null, 2)}\n`);
  };
  save();
  return {
    secret: stored.secret,
    operatorKey: stored.operatorKey,
    appToken: (project, app) => stored.appTokens[`${project}/${app}`],
    keepAppToken(project, app, token) {
      stored.appTokens[`${project}/${app}`] = token;
      save();
    },
  };
}

const draw = (): Stored => ({
  secret: randomBytes(32).toString("base64url"),
  operatorKey: `op_${randomBytes(24).toString("base64url")}`,
  appTokens: {},
});

function read(path: string): Stored {
  try {
    return Stored.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new DataFolderError(`${path} can't be read. Start anew with --fresh, or restore the file.`, {
      cause,
    });
  }
}

/** Readers see the old content or the new, never half of it, also after a crash. */
function writeAtomically(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

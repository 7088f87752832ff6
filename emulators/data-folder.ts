import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

/** What the suite keeps for itself between starts, beside the emulators' databases. */
const Keepsakes = z.object({
  /** The functions' own secret: 32 random bytes, base64url. */
  secret: z.string().min(43),
  operatorKey: z.string().min(1),
  /** API tokens of the apps that the suite has created, by "project/app". The API shows them once. */
  appTokens: z.record(z.string(), z.string()),
});
type Keepsakes = z.infer<typeof Keepsakes>;

export interface DataFolder {
  /** The path of a file in the folder; undefined when nothing is to be kept. */
  file(name: DataFile): string | undefined;
  /** Opens a database of the folder; what is wrong with the file is said in a line that names it. */
  open<T>(name: DataFile, open: (path: string | undefined) => T): T;
  readonly secret: string;
  readonly operatorKey: string;
  appToken(project: string, app: string): string | undefined;
  keepAppToken(project: string, app: string, token: string): void;
  /** Lets another suite have the folder. */
  release(): void;
}

const DATA_FILES = [
  "auth-key.json",
  "firestore.sqlite",
  "pubsub.sqlite",
  "tasks.sqlite",
  "mail.sqlite",
  "storage",
  "storage-key.pem",
  "auth.sqlite",
  "kms-keys.json",
  "push.sqlite",
  "compile-cache",
] as const;
export type DataFile = (typeof DATA_FILES)[number];

const KEEPSAKES = "keepsakes.json";

export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/**
 * Opens the folder for one suite alone. `path` undefined: everything stays in memory. `fresh`
 * forgets what earlier starts have left.
 */
export function openDataFolder(path: string | undefined, fresh = false): DataFolder {
  if (path === undefined) return memoryFolder();
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const unlock = lock(path);
  if (fresh) removeData(path);
  const keepsakesPath = join(path, KEEPSAKES);
  const keepsakes = existsSync(keepsakesPath) ? readKeepsakes(keepsakesPath) : newKeepsakes();
  const save = (): void => writeAtomically(keepsakesPath, `${JSON.stringify(keepsakes, null, 2)}\n`);
  save();
  return {
    ...kept(keepsakes, save),
    file: (name) => join(path, name),
    open: (name, open) => openFile(join(path, name), open),
    release: unlock,
  };
}

function openFile<T>(path: string, open: (path: string) => T): T {
  try {
    return open(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_SQLITE_ERROR") throw cause;
    throw new DataFolderError(
      `${path} can't be opened: ${(cause as Error).message}. Restore it, or start anew with --fresh.`,
      { cause },
    );
  }
}

function memoryFolder(): DataFolder {
  return {
    ...kept(newKeepsakes(), () => undefined),
    file: () => undefined,
    open: (_name, open) => open(undefined),
    release: () => undefined,
  };
}

function kept(keepsakes: Keepsakes, save: () => void): Omit<DataFolder, "file" | "open" | "release"> {
  return {
    secret: keepsakes.secret,
    operatorKey: keepsakes.operatorKey,
    appToken: (project, app) => keepsakes.appTokens[`${project}/${app}`],
    keepAppToken(project, app, token) {
      keepsakes.appTokens[`${project}/${app}`] = token;
      save();
    },
  };
}

const newKeepsakes = (): Keepsakes => ({
  secret: randomBytes(32).toString("base64url"),
  operatorKey: `op_${randomBytes(24).toString("base64url")}`,
  appTokens: {},
});

function readKeepsakes(path: string): Keepsakes {
  try {
    return Keepsakes.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new DataFolderError(`${path} can't be read. Start anew with --fresh, or restore the file.`, {
      cause,
    });
  }
}

/**
 * SQLite's file lock is given back by the system when the process ends, however it ends, so a
 * killed suite never blocks the next one.
 */
function lock(path: string): () => void {
  const database = new DatabaseSync(join(path, "suite.lock"));
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  } catch (cause) {
    database.close();
    throw new DataFolderError(
      `The data folder ${path} is in use by another suite. Stop that one, or choose another with --data DIR.`,
      { cause },
    );
  }
  return () => database.close();
}

/** Only files that the suite made are removed, so a mistyped --data costs nobody their own. */
function removeData(path: string): void {
  const ours = [KEEPSAKES, ...DATA_FILES].flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
  for (const entry of readdirSync(path)) {
    if (ours.includes(entry)) rmSync(join(path, entry), { recursive: true });
  }
}

/** Readers see the old content or the new, never half of it, also after a crash. */
function writeAtomically(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

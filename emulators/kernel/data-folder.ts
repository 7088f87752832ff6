import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The folder that holds what the emulators keep between starts. */
export interface DataFolder {
  /** The path of a file in the folder; undefined when nothing is to be kept. */
  file(name: string): string | undefined;
  /**
   * Opens a database of the folder. A file that SQLite can't read is a DataFolderError that names the file.
   */
  open<T>(name: string, open: (path: string | undefined) => T): T;
  /** Lets another suite have the folder. */
  release(): void;
}

export interface DataFolderOptions {
  /** The files and folders that may be in it. */
  readonly files: readonly string[];
  /** Removes what earlier starts have left of those files. */
  readonly fresh?: boolean | undefined;
}

/** A folder that the person at the terminal has to put right; the message says how. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/** Opens the folder for one suite alone. `path` undefined: everything stays in memory. */
export function openDataFolder(path: string | undefined, { files, fresh }: DataFolderOptions): DataFolder {
  if (path === undefined) {
    return { file: () => undefined, open: (_name, open) => open(undefined), release: () => undefined };
  }
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const release = lock(path);
  if (fresh === true) removeFiles(path, files);
  const file = (name: string): string => {
    if (!files.includes(name)) throw new Error(`${name} is not among the files of the data folder.`);
    return join(path, name);
  };
  return { file, open: (name, open) => openFile(file(name), open), release };
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

/** Only files of the suite are removed, so a mistyped --data costs nobody their own. */
function removeFiles(path: string, files: readonly string[]): void {
  const ours = files.flatMap((name) => [name, `${name}-wal`, `${name}-shm`]);
  for (const entry of readdirSync(path)) {
    if (ours.includes(entry)) rmSync(join(path, entry), { recursive: true });
  }
}

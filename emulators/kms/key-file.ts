import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";

const KEY_BYTES = 32;

const Content = z.object({
  rings: z.record(z.string(), z.object({ createdMs: z.number() })),
  /** By resource name; the key itself in base64. */
  keys: z.record(z.string(), z.object({ createdMs: z.number(), key: z.base64() })),
});
type Content = z.infer<typeof Content>;

/** Key rings and symmetric keys, in one file that only its owner may read. */
export interface KeyFile {
  ring(name: string): { readonly createdMs: number } | undefined;
  key(name: string): { readonly createdMs: number; readonly key: Buffer } | undefined;
  /** Both are on disk when this returns. */
  addRing(name: string, createdMs: number): void;
  addKey(name: string, createdMs: number): void;
}

/** `path` undefined: keys for this process only. @throws Error naming a file that can't be read */
export function openKeyFile(path: string | undefined): KeyFile {
  const content = (path === undefined ? undefined : read(path)) ?? { rings: {}, keys: {} };
  const save = (): void => {
    if (path === undefined) return;
    // Renamed into place, so that a crash leaves the file as it was or as it shall be.
    writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  };
  return {
    ring: (name) => (Object.hasOwn(content.rings, name) ? content.rings[name] : undefined),
    key(name) {
      const found = Object.hasOwn(content.keys, name) ? content.keys[name] : undefined;
      return found && { createdMs: found.createdMs, key: Buffer.from(found.key, "base64") };
    },
    addRing(name, createdMs) {
      content.rings[name] = { createdMs };
      save();
    },
    addKey(name, createdMs) {
      content.keys[name] = { createdMs, key: randomBytes(KEY_BYTES).toString("base64") };
      save();
    },
  };
}

function read(path: string): Content | undefined {
  try {
    return Content.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`The keys in ${path} can't be read; restore the file, or start anew with --fresh.`, {
      cause,
    });
  }
}

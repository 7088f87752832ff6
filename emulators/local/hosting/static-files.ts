import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";

export interface StaticFile {
  readonly content: Buffer;
  readonly type: string;
  /** Strong: the hash of the content. */
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

interface Cached {
  readonly file: StaticFile;
  readonly modifiedMs: number;
  readonly size: number;
}

/**
 * Reads files below `folder`, and nothing else: the path a request names is resolved through links
 * and must still be inside. A folder answers with its index.html.
 */
export function openStaticFiles(folder: string): (path: string) => Promise<StaticFile | undefined> {
  const cache = new Map<string, Cached>();
  const read = async (path: string): Promise<StaticFile | undefined> => {
    const [root, actual] = await Promise.all([realpath(folder), realpath(path)]);
    if (actual !== root && !actual.startsWith(root + sep)) return undefined;
    const entry = await stat(actual);
    if (entry.isDirectory()) return read(join(actual, "index.html"));
    const cached = cache.get(actual);
    if (cached !== undefined && cached.modifiedMs === entry.mtimeMs && cached.size === entry.size)
      return cached.file;
    const content = await readFile(actual);
    const file = {
      content,
      type: TYPES[extname(actual).toLowerCase()] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
    };
    cache.set(actual, { file, modifiedMs: entry.mtimeMs, size: entry.size });
    return file;
  };
  return async (path) => {
    const name = decode(path);
    // Dot files are never part of a site, and a NUL would end the path early for the system.
    if (name === undefined || name.includes("\0") || /(^|[/\\])\./.test(name)) return undefined;
    try {
      return await read(join(folder, name));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
      throw cause;
    }
  };
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

import { stripTypeScriptTypes } from "node:module";
import type { StaticFile } from "./static-files.ts";

/** A folder of TypeScript modules that a page imports, and where it finds them. */
export interface TypedModules {
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly folder: string;
}

/** The path of the source that a module is made of; undefined when the path names none. */
export function sourceOf({ path: prefix }: TypedModules, path: string): string | undefined {
  const [, name] = path.startsWith(prefix) ? (/^([a-z-]+)\.js$/.exec(path.slice(prefix.length)) ?? []) : [];
  return name === undefined ? undefined : `/${name}.ts`;
}

/**
 * A module as browsers take it: without its types, which leaves everything else in its place, and with imports of
 * the other modules by the names under which they are served.
 */
export function withoutTypes(source: string): string {
  const stripped = stripTypeScriptTypes(source, { mode: "strip" });
  return stripped.replaceAll(/(\bfrom\s*"\.\/[a-z-]+)\.ts"/g, '$1.js"');
}

/** What `read` finds, stripped; as often as it changes. */
export function typedFile(file: StaticFile): StaticFile {
  return {
    content: Buffer.from(withoutTypes(file.content.toString("utf8"))),
    type: "text/javascript; charset=utf-8",
    etag: file.etag,
  };
}

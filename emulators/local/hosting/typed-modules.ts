import { stripTypeScriptTypes } from "node:module";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { openStaticFiles, type StaticFile } from "./static-files.ts";

/** A folder of TypeScript modules, and the path below which a browser finds them as JavaScript. */
export interface ModuleFolder {
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly folder: string;
}

/**
 * `/chat/chats.js` is made of `chat/chats.ts`. Tests and other files with a dot in their name are no modules.
 */
const MODULE = /^([a-z-]+(?:\/[a-z-]+)*)\.js$/;

/**
 * Serves TypeScript modules as browsers take them. Each import of another module leads to where that one is
 * served, and of one of `packages` to its path. Resolves to undefined for a path that names no module of
 * these folders.
 */
export function openTypedModules(
  folders: readonly ModuleFolder[],
  packages: ReadonlyMap<string, string> = new Map(),
): (path: string) => Promise<StaticFile | undefined> {
  const readers = folders.map((mount) => ({ mount, read: openStaticFiles(mount.folder) }));
  // A file that has not changed is the same object each time, so that it is stripped once.
  const stripped = new WeakMap<StaticFile, StaticFile>();
  return async (path) => {
    for (const { mount, read } of readers) {
      const [, name] = path.startsWith(mount.path) ? (MODULE.exec(path.slice(mount.path.length)) ?? []) : [];
      const source = name === undefined ? undefined : await read(`/${name}.ts`);
      if (name === undefined || source === undefined) continue;
      const module =
        stripped.get(source) ?? moduleOf(source, join(mount.folder, `${name}.ts`), { folders, packages });
      stripped.set(source, module);
      return module;
    }
    return undefined;
  };
}

/** What modules may import: those of folders, and packages by the paths at which they are served. */
interface Served {
  readonly folders: readonly ModuleFolder[];
  readonly packages: ReadonlyMap<string, string>;
}

function moduleOf(source: StaticFile, file: string, served: Served): StaticFile {
  const text = withoutTypes(source.content.toString("utf8"));
  return {
    content: Buffer.from(withServedImports(text, file, served)),
    type: "text/javascript; charset=utf-8",
    etag: source.etag,
  };
}

/** A module's source without its types, which leaves everything else in its place. */
export const withoutTypes = (source: string): string => stripTypeScriptTypes(source, { mode: "strip" });

/**
 * Imports within a folder stay relative. An import of another folder's module, or of a package, becomes the
 * path of that.
 */
function withServedImports(text: string, file: string, { folders, packages }: Served): string {
  const named = text.replaceAll(
    /((?:\bfrom\s*|\bimport\()")([^."][^"]*)"/g,
    (whole, from: string, specifier: string) => {
      const path = packages.get(specifier);
      return path === undefined ? whole : `${from}${path}"`;
    },
  );
  return named.replaceAll(
    /((?:\bfrom\s*|\bimport\()")(\.{1,2}\/[^"]+)\.ts"/g,
    (_, from: string, specifier: string) => {
      const target = resolve(dirname(file), specifier);
      const mount = folders.find(({ folder }) => isWithin(target, folder));
      if (mount === undefined) throw new Error(`${file} imports ${specifier}.ts, which is not served.`);
      if (isWithin(file, mount.folder)) return `${from}${specifier}.js"`;
      const path = relative(mount.folder, target).split(sep).join(posix.sep);
      return `${from}${mount.path}${path}.js"`;
    },
  );
}

const isWithin = (file: string, folder: string): boolean => file.startsWith(resolve(folder) + sep);

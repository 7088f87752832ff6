import { readFileSync } from "node:fs";

interface IndexFile {
  readonly indexes: readonly {
    readonly collectionGroup: string;
    readonly fields: readonly { readonly fieldPath: string; readonly arrayConfig?: string }[];
  }[];
  readonly fieldOverrides: readonly {
    readonly collectionGroup: string;
    readonly fieldPath: string;
    readonly indexes: readonly { readonly order?: string; readonly arrayConfig?: string }[];
  }[];
}

/**
 * The index entries that Firestore keeps for a document of a collection whose fields have no indexes but
 * those of firestore.indexes.json: what one of its writes replaces is most of what the write takes there.
 */
export function indexEntries(collection: string, data: Readonly<Record<string, unknown>>): Set<string> {
  const file = JSON.parse(readFileSync("firestore.indexes.json", "utf8")) as IndexFile;
  const entries = new Set<string>();
  const valueAt = (path: string): unknown =>
    path.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], data);
  const add = (
    name: string,
    fields: readonly { readonly fieldPath: string; readonly arrayConfig?: string }[],
  ) => {
    const values = fields.map(({ fieldPath }) => valueAt(fieldPath));
    if (values.some((value) => value === undefined)) return;
    const at = fields.findIndex(({ arrayConfig }) => arrayConfig !== undefined);
    const elements = at === -1 ? [undefined] : (values[at] as readonly unknown[]);
    for (const element of elements) {
      entries.add(JSON.stringify([name, ...values.map((value, index) => (index === at ? element : value))]));
    }
  };
  for (const { collectionGroup, fields } of file.indexes) {
    if (collectionGroup === collection) add(fields.map(({ fieldPath }) => fieldPath).join(), fields);
  }
  for (const { collectionGroup, fieldPath, indexes } of file.fieldOverrides) {
    if (collectionGroup !== collection || fieldPath === "*") continue;
    for (const { order, arrayConfig } of indexes) {
      // Of a map each key has an entry.
      const map = arrayConfig === undefined ? valueAt(fieldPath) : undefined;
      if (typeof map === "object" && map !== null && Object.getPrototypeOf(map) === Object.prototype) {
        for (const entry of Object.entries(map)) entries.add(JSON.stringify([fieldPath, ...entry]));
        continue;
      }
      add(`${fieldPath} ${order ?? ""}`, [
        { fieldPath, ...(arrayConfig === undefined ? {} : { arrayConfig }) },
      ]);
    }
  }
  return entries;
}

/** How many entries a change of a document takes away and adds. */
export const entriesMoved = (before: ReadonlySet<string>, after: ReadonlySet<string>): number =>
  before.difference(after).size + after.difference(before).size;

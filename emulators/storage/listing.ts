import { type ContextFilter, parseContextFilter } from "./context-filter.ts";
import { type StorageRequest, flagOf, intOf } from "./exchange.ts";
import { invalid } from "./failure.ts";
import { PAGE_MAX } from "./limits.ts";
import type { ScanPosition, Standing, StorageState, StoredObject } from "./state.ts";

export interface ListOrder {
  readonly prefix: string;
  readonly delimiter: string;
  /** The first name; names before it are passed over. */
  readonly startOffset: string;
  /** Names from here on are not listed; "" for no such end. */
  readonly endOffset: string;
  /** List an object that ends with the delimiter beside the prefix that it makes. */
  readonly includeTrailingDelimiter: boolean;
  readonly matchGlob: string | undefined;
  /** By an object's contexts; absent: all. */
  readonly filter?: ContextFilter | undefined;
  readonly standings: readonly Standing[];
  readonly max: number;
  readonly pageToken: string | undefined;
}

export interface Listing {
  readonly objects: StoredObject[];
  readonly prefixes: string[];
  /** The name to go on behind; undefined on the last page. */
  readonly nextPageToken: string | undefined;
}

/** objects.list's parameters. */
export function listOrderOf(request: StorageRequest): ListOrder {
  const { query } = request;
  const requested = intOf(query, "maxResults") ?? PAGE_MAX;
  if (requested < 0) throw invalid(`Invalid value for maxResults: ${requested}`);
  const softDeleted = flagOf(query, "softDeleted");
  const versions = flagOf(query, "versions");
  if (softDeleted && versions) throw invalid("softDeleted and versions cannot both be set.");
  const matchGlob = query.get("matchGlob") ?? undefined;
  if (matchGlob !== undefined && (query.get("delimiter") ?? "/") !== "/") {
    throw invalid("The delimiter must be / when matchGlob is used.");
  }
  const filter = query.get("filter");
  return {
    filter: filter ? parseContextFilter(filter) : undefined,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    startOffset: query.get("startOffset") ?? "",
    endOffset: query.get("endOffset") ?? "",
    includeTrailingDelimiter: flagOf(query, "includeTrailingDelimiter"),
    matchGlob,
    standings: softDeleted ? ["softDeleted"] : versions ? ["live", "old"] : ["live"],
    max: Math.min(requested === 0 ? PAGE_MAX : requested, PAGE_MAX),
    pageToken: query.get("pageToken") || undefined,
  };
}

/** Rows read at a time. */
const SCAN_ROWS = 256;

/**
 * One page, in the order of the names' UTF-8. Everything below a prefix is passed over in one step, so
 * a page costs by what it shows and not by what is in the folders.
 */
export function listObjects(state: StorageState, bucket: string, order: ListOrder): Listing {
  const { prefix, delimiter } = order;
  const glob = order.matchGlob === undefined ? undefined : globPattern(order.matchGlob);
  const objects: StoredObject[] = [];
  const prefixes: string[] = [];
  let position = startOf(order);
  let shown: ScanPosition | undefined;
  while (position !== undefined) {
    const rows = state.scan(bucket, position, order.standings, SCAN_ROWS);
    let jump: ScanPosition | undefined;
    for (const row of rows) {
      if (
        !row.name.startsWith(prefix) ||
        (order.endOffset !== "" && !comesBefore(row.name, order.endOffset))
      ) {
        return { objects, prefixes, nextPageToken: undefined };
      }
      const cut = delimiter === "" ? -1 : row.name.indexOf(delimiter, prefix.length);
      const folder = cut < 0 ? undefined : row.name.slice(0, cut + delimiter.length);
      const here: ScanPosition = { name: row.name, afterGeneration: behind(order, row) };
      if (glob?.test(row.name) === false || order.filter?.(row.resource) === false) {
        position = here;
        continue;
      }
      if (objects.length + prefixes.length >= order.max) {
        return { objects, prefixes, nextPageToken: shown && tokenOf(shown) };
      }
      if (folder === undefined) objects.push(row);
      else if (prefixes.at(-1) !== folder) prefixes.push(folder);
      if (folder !== undefined && folder === row.name && order.includeTrailingDelimiter) objects.push(row);
      const next = folder === undefined ? here : afterPrefix(folder);
      if (next === undefined) return { objects, prefixes, nextPageToken: undefined };
      shown = next;
      position = next;
      if (folder !== undefined) {
        jump = next;
        break;
      }
    }
    if (jump === undefined && rows.length < SCAN_ROWS) break;
  }
  return { objects, prefixes, nextPageToken: undefined };
}

/** Live lists show a name once, whatever becomes of it between two pages. */
const behind = ({ standings }: ListOrder, { generation }: StoredObject): number =>
  standings.includes("old") || standings.includes("softDeleted") ? generation : Number.MAX_SAFE_INTEGER;

function startOf({ prefix, startOffset, pageToken }: ListOrder): ScanPosition | undefined {
  if (pageToken !== undefined) return positionOf(pageToken);
  return { name: comesBefore(prefix, startOffset) ? startOffset : prefix, afterGeneration: undefined };
}

const tokenOf = ({ name, afterGeneration }: ScanPosition): string =>
  Buffer.from(JSON.stringify([name, afterGeneration ?? null])).toString("base64url");

function positionOf(token: string): ScanPosition {
  try {
    const [name, generation] = JSON.parse(Buffer.from(token, "base64url").toString()) as [
      string,
      number | null,
    ];
    if (typeof name === "string") return { name, afterGeneration: generation ?? undefined };
  } catch {
    // Tokens that the emulator has not issued are refused below.
  }
  throw invalid(`Invalid page token: ${token}`);
}

const comesBefore = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;

/** The first position behind everything that begins with the prefix; undefined: there is nothing behind. */
export function afterPrefix(prefix: string): ScanPosition | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last === 0x10ffff) continue;
    // Surrogates are no characters: behind U+D7FF comes U+E000.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return { name: String.fromCodePoint(...points, next), afterGeneration: undefined };
  }
  return undefined;
}

/** cloud.google.com/storage/docs/json_api/v1/objects/list#list-objects-and-prefixes-using-glob. */
export function globPattern(glob: string): RegExp {
  let pattern = "";
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at] as string;
    if (glob.startsWith("**/", at)) {
      pattern += "(?:.*/)?";
      at += 2;
    } else if (glob.startsWith("**", at)) {
      pattern += ".*";
      at += 1;
    } else if (char === "*") pattern += "[^/]*";
    else if (char === "?") pattern += "[^/]";
    else if (char === "[") {
      const end = glob.indexOf("]", at + 2);
      if (end < 0) throw invalid(`Invalid matchGlob: ${glob}`);
      pattern += `[${glob
        .slice(at + 1, end)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")
        .replaceAll("[", "\\[")}]`;
      at = end;
    } else if (char === "{") {
      depth += 1;
      pattern += "(?:";
    } else if (char === "}" && depth > 0) {
      depth -= 1;
      pattern += ")";
    } else if (char === "," && depth > 0) pattern += "|";
    else if (char === "\\" && at + 1 < glob.length) {
      at += 1;
      pattern += escaped(glob[at] as string);
    } else pattern += escaped(char);
  }
  if (depth > 0) throw invalid(`Invalid matchGlob: ${glob}`);
  try {
    return new RegExp(`^${pattern}$`, "s");
  } catch {
    throw invalid(`Invalid matchGlob: ${glob}`);
  }
}

const escaped = (char: string): string => char.replace(/[.*+?^${}()|[\]\\/]/, "\\$&");

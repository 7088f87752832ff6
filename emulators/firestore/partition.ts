import type { Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { documentName, NAME_FIELD, parseParent, pathOfKey } from "./path.ts";
import { parseQuery, type Query } from "./query.ts";
import { namesPrefix, scopeOf } from "./query-scope.ts";
import { EntryScan, FIRST, LAST } from "./scan.ts";
import type { FirestoreState } from "./state.ts";
import { microsOf } from "./time.ts";
import { writeValue } from "./write-value.ts";
import { WireWriter } from "./wire.ts";

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);

/** Splits a collection group into parts of equal size, by the names at which they begin. */
export function partitionQuery(state: FirestoreState, request: Message): Message {
  const parent = parseParent(request.parent);
  if (parent.document !== "") throw invalid("Only a database's documents can be partitioned.");
  const query = parseQuery(parent, request.structuredQuery);
  checkPartitionable(query);
  const wanted = Number(request.partitionCount ?? 0);
  if (wanted <= 0) throw invalid("partition_count must be positive.");
  const database = state.store.databaseRow(parent.database);
  // The current names divide the documents of another time as well, though less evenly.
  if (request.consistencySelector === "readTime") state.checkReadTime(database, microsOf(request.readTime));
  const cursors = splitPoints(state, query, wanted);
  const offset = request.pageToken === "" ? 0 : Number(request.pageToken);
  if (!Number.isInteger(offset) || offset < 0) throw invalid("Invalid page token.");
  const size = request.pageSize > 0 ? request.pageSize : cursors.length;
  const partitions = cursors.slice(offset, offset + size).map((path) => ({
    values: [reference(documentName(parent.database, pathOfKey(path)))],
    before: true,
  }));
  const next = offset + size;
  return { partitions, nextPageToken: next < cursors.length ? String(next) : "" };
}

function checkPartitionable(query: Query): void {
  const [order, ...more] = query.orders;
  const byName = more.length === 0 && order?.path.text === NAME_FIELD && order.direction === "asc";
  const plain = query.filter === undefined && query.limit === undefined && query.offset === 0;
  if (!query.allDescendants || query.collection === undefined || !byName || !plain) {
    throw invalid("Only a collection group ordered by name, without filters and limits, can be partitioned.");
  }
}

function splitPoints(state: FirestoreState, query: Query, wanted: number): Buffer[] {
  const scope = scopeOf(state.store, query);
  if (scope.nothing || scope.groupId === undefined) return [];
  state.settler.settleGroup(scope.groupId);
  const scan = (): EntryScan => new EntryScan(state.store, namesPrefix(scope), [{ low: FIRST, high: LAST }]);
  const total = scan().count(Number.MAX_SAFE_INTEGER);
  const step = Math.max(1, Math.ceil(total / (wanted + 1)));
  const points: Buffer[] = [];
  const names = scan();
  let index = 0;
  for (let row = names.next(); row !== undefined; row = names.next(), index += 1) {
    if (index > 0 && index % step === 0) points.push(row.id);
  }
  return points;
}

function reference(name: string): Buffer {
  const writer = new WireWriter();
  writeValue(writer, { type: "reference", name });
  return writer.finish();
}

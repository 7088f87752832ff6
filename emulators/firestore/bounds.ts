import type { Leaf } from "./filter.ts";
import { AFTER_NULL, inverted, isNull, successor, typeRange } from "./key.ts";
import { NAME_FIELD } from "./path.ts";
import { isRange, type Plan } from "./plan.ts";
import type { Cursor, Direction, Order, Query } from "./query.ts";
import { FIRST, greatest, isEmptyRange, LAST, least, type Place, type Range } from "./scan.ts";

/** A cut between keys: before all that begin with the prefix, or behind them. */
interface Cut {
  readonly prefix: Buffer;
  readonly behind: boolean;
}

const EMPTY = Buffer.alloc(0);

const keyOfCut = ({ prefix, behind }: Cut): Buffer => (behind ? successor(prefix) : prefix);

/** Whether the index reads a field in descending order, given the direction of the scan. */
const isInverted = (direction: Direction, reverse: boolean): boolean => (direction === "desc") !== reverse;

/** How an id appears in the rows that are scanned: by path in groups, else by id. */
export type IdOfPath = (path: Buffer) => Place;

/** The ranges of an index, after the equal beginnings of its keys, that a plan reads. */
export function plannedRanges(query: Query, plan: Plan, within: Range, idOfPath: IdOfPath): Range[] {
  const [first] = plan.orders;
  const ranges =
    first === undefined
      ? nameRanges(plan.leaves, idOfPath)
      : valueRanges(
          plan.leaves.filter((leaf) => leaf.path.text === first.path.text && isRange(leaf)),
          isInverted(first.direction, plan.reverse),
        );
  const cursors = cursorRange(query, plan, idOfPath);
  const bounds = [cursors, ...(first === undefined ? [within] : [])];
  return ranges.map((range) => bounds.reduce(intersection, range)).filter((range) => !isEmptyRange(range));
}

const intersection = (left: Range, right: Range): Range => ({
  low: greatest(left.low, right.low),
  high: least(left.high, right.high),
});

const NOTHING: Range = { low: LAST, high: FIRST };

function nameRanges(leaves: readonly Leaf[], idOfPath: IdOfPath): Range[] {
  let range: Range = { low: FIRST, high: LAST };
  for (const { path, op, keys } of leaves) {
    if (path.text !== NAME_FIELD) continue;
    const at = idOfPath(keys[0] as Buffer);
    const behind = { suffix: at.suffix, id: Buffer.concat([at.id, Buffer.alloc(1)]) };
    if (op === ">=") range = intersection(range, { low: at, high: LAST });
    else if (op === ">") range = intersection(range, { low: behind, high: LAST });
    else if (op === "<") range = intersection(range, { low: FIRST, high: at });
    else if (op === "<=") range = intersection(range, { low: FIRST, high: behind });
  }
  return [range];
}

/** The ranges of values that the comparisons of one field allow; each `!=` splits a range in two. */
function valueRanges(leaves: readonly Leaf[], turned: boolean): Range[] {
  if (leaves.length === 0) return [{ low: FIRST, high: LAST }];
  let low: Cut = { prefix: EMPTY, behind: false };
  let high: Cut | undefined;
  const excluded: Buffer[] = [];
  for (const { op, keys } of leaves) {
    const key = keys[0] as Buffer;
    if (op === "!=" || op === "not-in") {
      if (op === "not-in" && keys.some(isNull)) return [];
      low = later(low, { prefix: AFTER_NULL, behind: false });
      excluded.push(...keys);
      continue;
    }
    const type = typeRange(key);
    low = later(low, { prefix: type.low, behind: false });
    high = earlier(high, { prefix: type.high, behind: false });
    if (op === ">" || op === ">=") low = later(low, { prefix: key, behind: op === ">" });
    else high = earlier(high, { prefix: key, behind: op === "<=" });
  }
  const ranges: Range[] = [];
  for (const key of excluded.sort(Buffer.compare)) {
    ranges.push(rangeOf(low, { prefix: key, behind: false }, turned));
    low = later(low, { prefix: key, behind: true });
  }
  ranges.push(rangeOf(low, high, turned));
  return turned ? ranges.reverse() : ranges;
}

const later = (left: Cut, right: Cut): Cut =>
  Buffer.compare(keyOfCut(left), keyOfCut(right)) >= 0 ? left : right;
const earlier = (left: Cut | undefined, right: Cut): Cut =>
  left === undefined || Buffer.compare(keyOfCut(left), keyOfCut(right)) > 0 ? right : left;

function rangeOf(low: Cut, high: Cut | undefined, turned: boolean): Range {
  const place = (cut: Cut): Place => ({ suffix: keyOfCut(cut), id: EMPTY });
  if (!turned) return { low: place(low), high: high === undefined ? LAST : place(high) };
  const turn = ({ prefix, behind }: Cut): Cut => ({ prefix: inverted(prefix), behind: !behind });
  return {
    low: high === undefined ? FIRST : place(turn(high)),
    high: low.prefix.length === 0 ? LAST : place(turn(low)),
  };
}

function cursorRange(query: Query, plan: Plan, idOfPath: IdOfPath): Range {
  const from = query.start === undefined ? undefined : cursorPlace(query, plan, query.start, idOfPath);
  const to = query.end === undefined ? undefined : cursorPlace(query, plan, query.end, idOfPath);
  // The results lie behind the start and before the end in the query's order, which may be the
  // index's order read backwards.
  if (from === "behind all" || to === "before all") return NOTHING;
  const start = from === "before all" ? undefined : from;
  const end = to === "behind all" ? undefined : to;
  return plan.reverse
    ? { low: end ?? FIRST, high: start ?? LAST }
    : { low: start ?? FIRST, high: end ?? LAST };
}

/** Where a cursor cuts the keys of the index, or whether it lies before or after all results of the plan. */
function cursorPlace(
  query: Query,
  plan: Plan,
  cursor: Cursor,
  idOfPath: IdOfPath,
): Place | "before all" | "behind all" {
  const parts: Buffer[] = [];
  for (const [i, key] of cursor.keys.entries()) {
    const order = query.orders[i] as Order;
    if (order.path.text === NAME_FIELD) {
      const at = idOfPath(key);
      const behind = cursor.before === plan.reverse;
      const id = behind ? Buffer.concat([at.id, Buffer.alloc(1)]) : at.id;
      return { suffix: at.suffix === undefined ? undefined : Buffer.concat(parts), id };
    }
    const constant = plan.equal.get(order.path.text);
    if (constant !== undefined) {
      const compared = Buffer.compare(key, constant) * (order.direction === "desc" ? -1 : 1);
      if (compared !== 0) return compared < 0 ? "before all" : "behind all";
      continue;
    }
    parts.push(isInverted(order.direction, plan.reverse) ? inverted(key) : key);
  }
  const prefix = Buffer.concat(parts);
  // Cut before all that begin so, or behind: what is before in the query is behind in reverse.
  const behind = cursor.before === plan.reverse;
  if (prefix.length === 0) return cursor.before ? "before all" : "behind all";
  return { suffix: keyOfCut({ prefix, behind }), id: EMPTY };
}

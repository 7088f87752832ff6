import { encodeFields, withField } from "./fields.ts";
import type { FoundDocument } from "./found-document.ts";
import type { Nearest } from "./query.ts";
import type { StoredDocument } from "./store.ts";
import { vectorOf } from "./value.ts";

interface Neighbour {
  readonly found: FoundDocument;
  readonly distance: number;
}

/** The documents whose vectors are nearest, nearest first. Every candidate's vector is compared. */
export function nearestOf(nearest: Nearest, candidates: () => FoundDocument | undefined): FoundDocument[] {
  const neighbours: Neighbour[] = [];
  const further = (left: Neighbour, right: Neighbour): number =>
    nearest.measure === "DOT_PRODUCT" ? right.distance - left.distance : left.distance - right.distance;
  for (let found = candidates(); found !== undefined; found = candidates()) {
    const value = found.valueAt(nearest.path);
    const vector = value === undefined ? undefined : vectorOf(value);
    if (vector === undefined || vector.length !== nearest.vector.length) continue;
    const distance = distanceOf(nearest, vector);
    if (Number.isNaN(distance) || !isWithin(nearest, distance)) continue;
    neighbours.push({ found, distance });
    // Candidates that are too far are dropped from time to time, so that memory stays near the limit.
    if (neighbours.length >= nearest.limit * 4) neighbours.sort(further).splice(nearest.limit);
  }
  return neighbours
    .sort(further)
    .slice(0, nearest.limit)
    .map(({ found, distance }) => withDistance(nearest, found, distance));
}

function distanceOf({ vector: wanted, measure }: Nearest, vector: readonly number[]): number {
  let product = 0;
  let squares = 0;
  let wantedSquare = 0;
  let square = 0;
  for (const [i, a] of wanted.entries()) {
    const b = vector[i] as number;
    product += a * b;
    squares += (a - b) ** 2;
    wantedSquare += a * a;
    square += b * b;
  }
  if (measure === "EUCLIDEAN") return Math.sqrt(squares);
  if (measure === "DOT_PRODUCT") return product;
  return 1 - product / Math.sqrt(wantedSquare * square);
}

function isWithin({ threshold, measure }: Nearest, distance: number): boolean {
  if (threshold === undefined) return true;
  return measure === "DOT_PRODUCT" ? distance >= threshold : distance <= threshold;
}

function withDistance({ resultField }: Nearest, found: FoundDocument, distance: number): FoundDocument {
  if (resultField === undefined) return found;
  const fields = withField(found.fields, resultField, { type: "double", value: distance });
  const document: StoredDocument = { ...found.document, fields: encodeFields(fields) };
  return found.replacedBy(document);
}

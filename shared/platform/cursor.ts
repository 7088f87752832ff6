import { AppError } from "./errors.ts";
import type { Keys } from "./keys.ts";

/**
 * Cursors are opaque and signed. The signature covers `scope` (app, person, route and filters), so a
 * cursor is good for continuing the very list that gave it and for nothing else.
 */
export function encodeCursor(
  keys: Keys,
  scope: readonly string[],
  position: readonly (string | number)[],
): string {
  const payload = Buffer.from(JSON.stringify(position)).toString("base64url");
  return `${payload}.${sign(keys, scope, payload)}`;
}

/** @throws AppError `invalid_request` for a cursor that was changed or belongs to another list. */
export function decodeCursor(keys: Keys, scope: readonly string[], cursor: string): (string | number)[] {
  const [payload = "", signature = "", ...more] = cursor.split(".");
  if (more.length > 0 || signature !== sign(keys, scope, payload)) {
    throw new AppError("invalid_request", "The cursor does not belong to this list.", {
      errors: [{ path: "cursor", message: "must be a cursor that this list has returned" }],
    });
  }
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

const SIGNATURE_CHARS = 22;

/** 132 bits of the keyed hash; plain comparison leaks nothing useful, as a cursor grants no access. */
const sign = (keys: Keys, scope: readonly string[], payload: string): string =>
  keys.mac("cursor", payload, ...scope).slice(0, SIGNATURE_CHARS);

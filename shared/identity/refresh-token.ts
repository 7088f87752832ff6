import type { Keys } from "../platform/keys.ts";
import { sameSecret } from "../platform/keys.ts";
import type { App } from "./app.ts";

/**
 * A refresh token names its session and generation and proves by a keyed hash that we issued it. So
 * nothing that could be stolen is stored, an old token is told from an invented one (only the former
 * ends the session), and two honest refreshes at once get the same successor.
 */
export const encodeRefreshToken = (keys: Keys, app: App, sessionId: string, generation: number): string =>
  `sbr_${sessionId}_${generation}_${prove(keys, app, sessionId, generation)}`;

/** Undefined for anything that was not issued here for this app. */
export function parseRefreshToken(
  keys: Keys,
  app: App,
  token: string,
): { sessionId: string; generation: number } | undefined {
  const match = /^sbr_([a-z0-9]{26})_(\d{1,9})_([A-Za-z0-9_-]{43})$/.exec(token);
  if (match === null) return undefined;
  const [, sessionId = "", digits = "", proof = ""] = match;
  const generation = Number(digits);
  if (!sameSecret(proof, prove(keys, app, sessionId, generation))) return undefined;
  return { sessionId, generation };
}

const prove = (keys: Keys, app: App, sessionId: string, generation: number): string =>
  keys.mac("refresh-token", app.id, sessionId, String(generation));

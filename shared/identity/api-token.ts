import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { sameSecret } from "../platform/keys.ts";
import { createAbsences } from "./absences.ts";
import { type App, appHandle } from "./app.ts";
import type { Principal } from "./principal.ts";
import type { Revocations } from "./revocations.ts";
import { apiTokenRef, readDocument, type StoredApiToken, storedApiToken } from "./store.ts";

/**
 * A verified API token is trusted without another read for this long. A deletion is heard of at once,
 * through the list of revocations; this bounds what a deletion behind the API's back leaves.
 */
export const API_TOKEN_CACHE_MS = 60_000;
const API_TOKENS_CACHED_MAX = 1_000;

export interface ApiTokens {
  /**
   * Who the token speaks for. One read, at most once in API_TOKEN_CACHE_MS; a token that is none is remembered for
   * ABSENT_MS. `beforeRead` may refuse the read.
   * @throws AppError `token_invalid`, and whatever `beforeRead` throws
   */
  verify(app: App, token: string, beforeRead?: () => void): Promise<Principal>;
}

const PATTERN = /^sbk_([a-z][a-z0-9-]{0,39})_([a-z0-9]{26})_([A-Za-z0-9_-]{43})$/;

export const isApiToken = (token: string): boolean => token.startsWith("sbk_");

/**
 * The token with this id: its secret is a keyed hash, so a repeated request to create it shows the same
 * again, and only its hash is stored.
 */
export function deriveApiToken(
  deps: Pick<Deps, "keys" | "clock">,
  app: App,
  id: string,
): { token: string; stored: StoredApiToken } {
  const secret = deps.keys.mac("api-token", app.id, id);
  return {
    token: `sbk_${app.id}_${id}_${secret}`,
    stored: { hash: hashOf(deps, app, secret), createdAt: Timestamp.fromMillis(deps.clock.now()) },
  };
}

const hashOf = (deps: Pick<Deps, "keys">, app: App, secret: string): string =>
  deps.keys.mac("api-token-hash", app.id, secret);

export function openApiTokens(deps: Deps, revocations: Revocations): ApiTokens {
  const trusted = new Map<string, { principal: Principal; untilMs: number }>();
  const absent = createAbsences(deps.clock);
  const invalid = (): AppError => new AppError("token_invalid", "The API token is not valid here.");
  return {
    async verify(app, token, beforeRead = () => undefined) {
      const cached = trusted.get(token);
      const match = PATTERN.exec(token);
      const [, appId, id = "", secret = ""] = match ?? [];
      if (match === null || appId !== app.id) throw invalid();
      if (await revocations.isApiTokenDeleted(`${app.id}/${id}`)) throw invalid();
      if (cached !== undefined && cached.untilMs > deps.clock.now()) return cached.principal;
      if (absent.has(token)) throw invalid();
      if (cached === undefined) beforeRead();
      const { data } = await readDocument(apiTokenRef(appHandle(deps.firestore, app.id), id), storedApiToken);
      if (data === undefined || !sameSecret(data.hash, hashOf(deps, app, secret))) {
        trusted.delete(token);
        absent.note(token);
        throw invalid();
      }
      const principal: Principal = { id: `token_${id}`, kind: "service", role: "service" };
      if (trusted.size >= API_TOKENS_CACHED_MAX) trusted.clear();
      trusted.set(token, { principal, untilMs: deps.clock.now() + API_TOKEN_CACHE_MS });
      return principal;
    },
  };
}

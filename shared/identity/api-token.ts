import { randomBytes } from "node:crypto";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DocumentReference, DocumentSnapshot } from "../platform/firestore.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { randomId } from "../platform/ids.ts";
import { sameSecret } from "../platform/keys.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { createAbsences } from "./absences.ts";
import { type App, appHandle } from "./app.ts";
import { isPermission, PERSONAL, type Permission, rightsOf } from "./permissions.ts";
import type { Principal } from "./principal.ts";
import type { Revocations } from "./revocations.ts";
import {
  apiTokenRef,
  readDocument,
  standsBehind,
  type StoredApiToken,
  storedApiToken,
  storedUser,
  userRef,
} from "./store.ts";

/**
 * What was found of an API token is trusted without another read for this long. That it was deleted, or its
 * maker's rights changed, is heard of at once, through the list of revocations; this bounds what a change
 * behind the API's back leaves.
 */
export const API_TOKEN_CACHE_MS = 60_000;
const API_TOKENS_CACHED_MAX = 1_000;
/** How exact `lastUsedAt` is. */
export const USE_NOTED_MS = 3600_000;
/** A token may make tokens, which may make tokens; each use of the last asks after all of them. */
export const TOKEN_DEPTH_MAX = 3;

export interface ApiTokens {
  /**
   * Who the token speaks for, with what its maker holds now. 2 reads, at most once in API_TOKEN_CACHE_MS, and
   * 1 more for each token between it and a person; what is no token is remembered for ABSENT_MS. `beforeRead`
   * may refuse the reads of a token that is not known here.
   * @throws AppError `token_invalid`, `token_expired`, and whatever `beforeRead` throws
   */
  verify(app: App, token: string, beforeRead?: () => void): Promise<Principal>;
}

const PATTERN = /^sbk_([a-z][a-z0-9-]{0,39})_([a-z0-9]{26})_([A-Za-z0-9_-]{43})$/;
const MADE_BY_TOKEN = "token_";

export const isApiToken = (token: string): boolean => token.startsWith("sbk_");

const SECRET_BYTES = 32;

/** A new token, id and secret drawn; only the secret's hash is stored. */
export function newApiToken(
  deps: Pick<Deps, "keys" | "clock">,
  app: App,
): { id: string; token: string; stored: StoredApiToken } {
  const id = randomId();
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  return {
    id,
    token: `sbk_${app.id}_${id}_${secret}`,
    stored: { hash: hashOf(deps, app, secret), createdAt: Timestamp.fromMillis(deps.clock.now()) },
  };
}

const hashOf = (deps: Pick<Deps, "keys">, app: App, secret: string): string =>
  deps.keys.mac("api-token-hash", app.id, secret);

/** What of the rights of its maker a token with these scopes has. What is personal no token has. */
export function scopedRights(
  scopes: readonly string[] | undefined,
  maker: ReadonlySet<Permission>,
): ReadonlySet<Permission> {
  const chosen = scopes ?? [...rightsOf("service")];
  const named = chosen.includes("*") ? [...maker] : chosen.filter(isPermission);
  return new Set(named.filter((permission) => maker.has(permission) && !PERSONAL.has(permission)));
}

/** Whose rights bound those of a token: tokens up to a person or the operator. */
interface Lineage {
  /** Undefined: it has ended, or the person at its beginning may do nothing at the moment. */
  readonly rights: ReadonlySet<Permission> | undefined;
  /** Ids of the tokens that have to live for it. */
  readonly tokens: readonly string[];
  /** The person at its beginning, and what the list of revocations said of them when they were read. */
  readonly person: { readonly id: string; readonly listing: string } | undefined;
  readonly expiresMs: number;
}

interface Known {
  /** Undefined: the token is refused. */
  readonly principal: Principal | undefined;
  /** Undefined for what is no token. */
  readonly lineage: Lineage | undefined;
  readonly untilMs: number;
  usedMs: number;
}

export function openApiTokens(deps: Deps, revocations: Revocations): ApiTokens {
  const known = new Map<string, Known>();
  const absent = createAbsences(deps.clock);
  const invalid = (): AppError => new AppError("token_invalid", "The API token is not valid here.");

  const readLineage = async (app: App, stored: StoredApiToken, id: string): Promise<Lineage> => {
    const expiresMs = stored.expiresAt?.toMillis() ?? Number.POSITIVE_INFINITY;
    const { createdBy = "operator", scopes } = stored;
    if (createdBy === "operator") {
      return { rights: scopedRights(scopes, rightsOf("owner")), tokens: [id], person: undefined, expiresMs };
    }
    if (createdBy.startsWith(MADE_BY_TOKEN)) {
      const makerId = createdBy.slice(MADE_BY_TOKEN.length);
      const maker = await readToken(app, makerId);
      if (maker === undefined) return { rights: undefined, tokens: [id], person: undefined, expiresMs };
      const above = await readLineage(app, maker, makerId);
      return {
        rights: above.rights && scopedRights(scopes, above.rights),
        tokens: [id, ...above.tokens],
        person: above.person,
        expiresMs: Math.min(expiresMs, above.expiresMs),
      };
    }
    const listing = await revocations.listingOfUser(createdBy);
    const { data: user } = await readDocument(userRef(app, createdBy), storedUser);
    const rights = standsBehind(user, stored.createdAt)
      ? scopedRights(scopes, rightsOf(user.role))
      : undefined;
    return { rights, tokens: [id], person: { id: createdBy, listing }, expiresMs };
  };

  const isCurrent = async (app: App, entry: Known): Promise<boolean> => {
    if (entry.untilMs <= deps.clock.now()) return false;
    const { person, tokens = [] } = entry.lineage ?? {};
    if (person !== undefined && (await revocations.listingOfUser(person.id)) !== person.listing) return false;
    for (const id of tokens) if (await revocations.isApiTokenDeleted(`${app.id}/${id}`)) return false;
    return true;
  };

  const read = async (app: App, id: string, secret: string): Promise<Known> => {
    const untilMs = deps.clock.now() + API_TOKEN_CACHE_MS;
    const stored = await readToken(app, id);
    const isRight = stored !== undefined && sameSecret(stored.hash, hashOf(deps, app, secret));
    const lineage = isRight ? await readLineage(app, stored, id) : undefined;
    if (stored === undefined || lineage?.rights === undefined) {
      return { principal: undefined, lineage, untilMs, usedMs: 0 };
    }
    const principal: Principal = {
      id: `${MADE_BY_TOKEN}${id}`,
      kind: "service",
      role: "service",
      scopes: lineage.rights,
      standsOn: [
        ...lineage.tokens.map((each) => ({ scope: "api-token" as const, id: `${app.id}/${each}` })),
        ...(lineage.person === undefined ? [] : [{ scope: "user" as const, id: lineage.person.id }]),
      ],
      ...(lineage.expiresMs === Number.POSITIVE_INFINITY ? {} : { expiresMs: lineage.expiresMs }),
    };
    return { principal, lineage, untilMs, usedMs: stored.lastUsedAt?.toMillis() ?? 0 };
  };

  /** Behind the request's back: it costs the request nothing, and one lost is written with the next use. */
  const noteUse = (app: App, id: string, entry: Known): void => {
    const now = deps.clock.now();
    if (now - entry.usedMs < USE_NOTED_MS) return;
    entry.usedMs = now;
    deps.upkeep
      .run(() => within(READ_MS_MAX, apiTokenRef(app, id).update({ lastUsedAt: Timestamp.fromMillis(now) })))
      .catch((cause: unknown) => deps.log.error("The use of an API token was not noted.", cause));
  };

  return {
    async verify(requested, token, beforeRead = () => undefined) {
      const [, appId, id = "", secret = ""] = PATTERN.exec(token) ?? [];
      if (appId !== requested.id) throw invalid();
      const app = appHandle(deps.firestore, appId);
      if (await revocations.isApiTokenDeleted(`${app.id}/${id}`)) throw invalid();
      if (absent.has(token)) throw invalid();
      let entry = known.get(token);
      if (entry === undefined || !(await isCurrent(app, entry))) {
        if (entry === undefined) beforeRead();
        entry = await read(app, id, secret);
        if (entry.lineage === undefined) {
          known.delete(token);
          absent.note(token);
          throw invalid();
        }
        if (known.size >= API_TOKENS_CACHED_MAX) known.clear();
        known.set(token, entry);
      }
      if (entry.principal === undefined || entry.lineage === undefined) throw invalid();
      if (entry.lineage.expiresMs <= deps.clock.now()) {
        throw new AppError("token_expired", "The API token has expired.");
      }
      noteUse(app, id, entry);
      return entry.principal;
    },
  };
}

/** One read. Undefined for a token that has ended. */
async function readToken(app: App, id: string): Promise<StoredApiToken | undefined> {
  const { data } = await readDocument(apiTokenRef(app, id), storedApiToken);
  return data;
}

/**
 * What the maker of something may do at this time: a person, or a token and whoever stands behind it.
 * Undefined: nothing, as they have left or it has ended. A read for each token, and 1 for the person.
 */
export async function rightsOfMaker(
  app: App,
  { createdBy, createdAt }: { readonly createdBy: string; readonly createdAt: Timestamp },
  {
    get,
    nowMs,
  }: { readonly get: (ref: DocumentReference) => Promise<DocumentSnapshot>; readonly nowMs: number },
): Promise<ReadonlySet<Permission> | undefined> {
  if (createdBy === "operator") return rightsOf("owner");
  if (!createdBy.startsWith(MADE_BY_TOKEN)) {
    const user = storedUser(await get(userRef(app, createdBy)));
    return standsBehind(user, createdAt) ? rightsOf(user.role) : undefined;
  }
  const token = storedApiToken(await get(apiTokenRef(app, createdBy.slice(MADE_BY_TOKEN.length))));
  if (token === undefined || (token.expiresAt?.toMillis() ?? Infinity) <= nowMs) return undefined;
  const { createdBy: above = "operator", createdAt: since } = token;
  const rights = await rightsOfMaker(app, { createdBy: above, createdAt: since }, { get, nowMs });
  return rights && scopedRights(token.scopes, rights);
}

/** How many tokens lie between the principal and a person or the operator. A read for each. */
export async function tokenDepth(app: App, { id }: Pick<Principal, "id">): Promise<number> {
  let depth = 0;
  for (let maker = id; maker.startsWith(MADE_BY_TOKEN) && depth <= TOKEN_DEPTH_MAX; depth += 1) {
    maker = (await readToken(app, maker.slice(MADE_BY_TOKEN.length)))?.createdBy ?? "operator";
  }
  return depth;
}

import { randomBytes } from "node:crypto";
import type { StorageCore } from "./core.ts";
import {
  type StorageRequest,
  flagOf,
  type Handler,
  intOf,
  type JsonObject,
  json,
  jsonBody,
  noContent,
} from "./exchange.ts";
import { conditionNotMet, invalid, notFound, required } from "./failure.ts";
import { HMAC_KEYS_MAX, PAGE_MAX } from "./limits.ts";

interface HmacKey {
  readonly accessId: string;
  readonly project: string;
  readonly email: string;
  readonly state: "ACTIVE" | "INACTIVE" | "DELETED";
  readonly createdMs: number;
  readonly updatedMs: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS hmacKeys (
    accessId TEXT PRIMARY KEY, project TEXT NOT NULL, email TEXT NOT NULL, state TEXT NOT NULL,
    createdMs REAL NOT NULL, updatedMs REAL NOT NULL
  );
`;

type HmacCall = "insert" | "get" | "list" | "update" | "delete";

/**
 * projects.hmacKeys. The secret is shown once, when the key is made, and not stored: signatures made with it
 * are not served, and nothing else needs it.
 */
export function hmacKeyHandlers({ state, kernel }: StorageCore): Record<HmacCall, Handler> {
  const rows = hmacKeyRows(state.database.sql);
  const access = (project: string, accessId: string): HmacKey => {
    const key = rows.get(project, accessId);
    if (key === undefined) throw notFound(`Access ID not found in project ${project}.`);
    return key;
  };
  return {
    async insert(request, { project = "" }) {
      const email = request.query.get("serviceAccountEmail");
      if (!email) throw required("Required parameter: serviceAccountEmail");
      const nowMs = kernel.clock.now();
      const accessId = `GOOG1E${base32(ACCESS_ID_RANDOM_CHARS)}`;
      const key: HmacKey = { accessId, project, email, state: "ACTIVE", createdMs: nowMs, updatedMs: nowMs };
      await state.database.write(() => {
        const present = rows.list(project).filter((each) => each.email === email && each.state !== "DELETED");
        if (present.length >= HMAC_KEYS_MAX)
          throw invalid(`A service account has at most ${HMAC_KEYS_MAX} HMAC keys.`);
        rows.put(key);
      });
      const secret = randomBytes(SECRET_BYTES).toString("base64");
      return json(request, { kind: "storage#hmacKey", metadata: keyView(request, key), secret });
    },
    get: (request, { project = "", accessId = "" }) =>
      json(request, keyView(request, access(project, accessId))),
    list(request, { project = "" }) {
      const email = request.query.get("serviceAccountEmail");
      const after = request.query.get("pageToken") ?? "";
      const max = Math.min(intOf(request.query, "maxResults") || PAGE_MAX, PAGE_MAX);
      const rest = rows
        .list(project)
        .filter((key) => key.accessId > after && (!email || key.email === email))
        .filter((key) => key.state !== "DELETED" || flagOf(request.query, "showDeletedKeys"));
      const page = rest.slice(0, max);
      return json(request, {
        kind: "storage#hmacKeysMetadata",
        ...(rest.length > max ? { nextPageToken: page.at(-1)?.accessId } : {}),
        ...(page.length === 0 ? {} : { items: page.map((key) => keyView(request, key)) }),
      });
    },
    async update(request, { project = "", accessId = "" }) {
      const given = await jsonBody(request);
      const changed = await state.database.write(() => {
        const next = changedKey(access(project, accessId), given, kernel.clock.now());
        rows.put(next);
        return next;
      });
      return json(request, keyView(request, changed));
    },
    async delete(_ask, { project = "", accessId = "" }) {
      await state.database.write(() => {
        const key = access(project, accessId);
        if (key.state !== "INACTIVE") throw invalid(`Cannot delete keys in ${key.state} state.`);
        rows.put({ ...key, state: "DELETED", updatedMs: kernel.clock.now() });
      });
      return noContent();
    },
  };
}

function changedKey(key: HmacKey, given: JsonObject, nowMs: number): HmacKey {
  if (given.etag !== undefined && given.etag !== etagOfKey(key)) throw conditionNotMet();
  if (key.state === "DELETED") throw invalid("Cannot update keys in DELETED state.");
  if (given.state !== "ACTIVE" && given.state !== "INACTIVE")
    throw invalid(`Invalid value for state: ${JSON.stringify(given.state)}`);
  return { ...key, state: given.state, updatedMs: nowMs };
}

function hmacKeyRows(sql: StorageCore["state"]["database"]["sql"]) {
  sql.exec(SCHEMA);
  const get = sql.prepare("SELECT * FROM hmacKeys WHERE project = ? AND accessId = ?");
  const list = sql.prepare("SELECT * FROM hmacKeys WHERE project = ? ORDER BY accessId");
  const put = sql.prepare("INSERT OR REPLACE INTO hmacKeys VALUES (?, ?, ?, ?, ?, ?)");
  return {
    get: (project: string, accessId: string) => get.get(project, accessId) as HmacKey | undefined,
    list: (project: string) => list.all(project) as unknown as HmacKey[],
    put: ({ accessId, project, email, state, createdMs, updatedMs }: HmacKey) =>
      void put.run(accessId, project, email, state, createdMs, updatedMs),
  };
}

/**
 * cloud.google.com/storage/docs/authentication/hmackeys: 61 characters for service accounts, a secret of 40.
 */
const ACCESS_ID_RANDOM_CHARS = 55;
const SECRET_BYTES = 30;

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const base32 = (chars: number): string =>
  Array.from(randomBytes(chars), (byte) => LETTERS[byte % LETTERS.length]).join("");

const etagOfKey = ({ accessId, updatedMs, state }: HmacKey): string =>
  Buffer.from(`${accessId.slice(-6)}-${state}-${updatedMs}`).toString("base64");

const keyView = ({ origin }: StorageRequest, key: HmacKey) => ({
  kind: "storage#hmacKeyMetadata",
  id: `${key.project}/${key.accessId}`,
  selfLink: `${origin}/storage/v1/projects/${key.project}/hmacKeys/${key.accessId}`,
  accessId: key.accessId,
  projectId: key.project,
  serviceAccountEmail: key.email,
  state: key.state,
  timeCreated: new Date(key.createdMs).toISOString(),
  updated: new Date(key.updatedMs).toISOString(),
  etag: etagOfKey(key),
});

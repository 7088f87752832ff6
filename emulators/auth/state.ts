import type { SQLInputValue } from "node:sqlite";
import { type Database, openDatabase } from "../kernel/database.ts";
import { type Account, providersOf } from "./account.ts";
import type { OOB_MS } from "./limits.ts";

/** A project, or one of its tenants. Accounts of two realms are separate. */
export interface Realm {
  readonly project: string;
  /** "" for the project itself. */
  readonly tenant: string;
}

export type OobType = keyof typeof OOB_MS;

/** A code that was sent by e-mail. */
export interface OobCode {
  readonly oobCode: string;
  readonly requestType: OobType;
  readonly email: string;
  readonly newEmail?: string;
  readonly oobLink: string;
  readonly createdMs: number;
}

export interface RefreshGrant {
  readonly token: string;
  readonly localId: string;
  readonly provider: string;
  /** Seconds: when the person signed in; it stays through refreshes. */
  readonly authTime: number;
  /** Claims of the sign-in that go into each ID token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface AuthState {
  readonly database: Database;
  account(realm: Realm, localId: string): Account | undefined;
  byEmail(realm: Realm, email: string): Account | undefined;
  byPhone(realm: Realm, phoneNumber: string): Account | undefined;
  byProvider(realm: Realm, providerId: string, rawId: string): Account | undefined;
  /** In the order of their ids, behind the given one. */
  accounts(realm: Realm, after: string, limit: number): Account[];
  countAccounts(realm: Realm | undefined): number;
  /** Whether there is an account in the project itself. */
  hasPeople(project: string): boolean;
  /** The project whose accounts outside of tenants include this id or e-mail; "" for none. */
  projectsKnowing(localId: string, email: string): string[];
  putAccount(realm: Realm, account: Account): void;
  /** Deletes the account and its refresh tokens. */
  removeAccount(realm: Realm, localId: string): void;
  oobCode(realm: Realm, code: string): OobCode | undefined;
  oobCodes(project: string): OobCode[];
  /** The realm of a code, because links in mails name no project. */
  oobRealm(code: string): Realm | undefined;
  putOobCode(realm: Realm, code: OobCode): void;
  removeOobCode(realm: Realm, code: string): void;
  grant(token: string): { realm: Realm; grant: RefreshGrant } | undefined;
  putGrant(realm: Realm, grant: RefreshGrant): void;
  /** JSON documents by kind and name: tenants, provider configurations, projects' configurations, keys. */
  document(project: string, kind: string, name: string): Document | undefined;
  documents(project: string, kind: string): Document[];
  putDocument(project: string, kind: string, name: string, value: Document): void;
  projectsWithTenant(tenant: string): string[];
  removeDocument(project: string, kind: string, name: string): void;
  /** Deletes all accounts of a project and everything that belongs to them. */
  clearProject(project: string): void;
}

export type Document = Readonly<Record<string, unknown>>;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS accounts (
    project TEXT NOT NULL, tenant TEXT NOT NULL, localId TEXT NOT NULL, email TEXT, phoneNumber TEXT, account TEXT NOT NULL,
    PRIMARY KEY (project, tenant, localId)
  );
  -- Not unique: a project may allow several accounts of one e-mail.
  CREATE INDEX IF NOT EXISTS accountsByEmail ON accounts (project, tenant, email) WHERE email IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS accountsByPhone ON accounts (project, tenant, phoneNumber) WHERE phoneNumber IS NOT NULL;
  CREATE INDEX IF NOT EXISTS accountsById ON accounts (localId);
  CREATE INDEX IF NOT EXISTS accountsByAddress ON accounts (email) WHERE email IS NOT NULL;
  CREATE TABLE IF NOT EXISTS links (
    project TEXT NOT NULL, tenant TEXT NOT NULL, providerId TEXT NOT NULL, rawId TEXT NOT NULL, localId TEXT NOT NULL,
    PRIMARY KEY (project, tenant, providerId, rawId)
  );
  CREATE INDEX IF NOT EXISTS linksByAccount ON links (project, tenant, localId);
  CREATE TABLE IF NOT EXISTS oobCodes (
    project TEXT NOT NULL, tenant TEXT NOT NULL, code TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (project, tenant, code)
  );
  CREATE INDEX IF NOT EXISTS oobCodesByCode ON oobCodes (code);
  CREATE TABLE IF NOT EXISTS grants (
    token TEXT PRIMARY KEY, project TEXT NOT NULL, tenant TEXT NOT NULL, localId TEXT NOT NULL, value TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS grantsByAccount ON grants (project, tenant, localId);
  CREATE TABLE IF NOT EXISTS documents (
    project TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (project, kind, name)
  );
`;

/** Accounts in SQLite. Changes are made inside `database.write`. */
export function openState(path: string | undefined): AuthState {
  const database = openDatabase(path);
  database.sql.exec(SCHEMA);
  const run = (text: string): ((...values: SQLInputValue[]) => void) => {
    const statement = database.sql.prepare(text);
    return (...values) => void statement.run(...values);
  };
  /** The JSON in a query's only column. */
  const read = <T>(text: string): ((...values: SQLInputValue[]) => T[]) => {
    const statement = database.sql.prepare(text);
    return (...values) =>
      statement.all(...values).map((row) => JSON.parse(Object.values(row)[0] as string) as T);
  };
  return {
    database,
    ...accountRows(database, read, run),
    ...codeRows(read, run),
    ...documentRows(database, read, run),
    clearProject(project) {
      for (const table of ["accounts", "links", "oobCodes", "grants"]) {
        database.sql.prepare(`DELETE FROM ${table} WHERE project = ?`).run(project);
      }
    },
  };
}

type Run = (text: string) => (...values: SQLInputValue[]) => void;
type Read = <T>(text: string) => (...values: SQLInputValue[]) => T[];

function accountRows({ sql }: Database, read: Read, run: Run) {
  const where = "FROM accounts WHERE project = ? AND tenant = ?";
  const byId = read<Account>(`SELECT account ${where} AND localId = ?`);
  const byEmail = read<Account>(`SELECT account ${where} AND email = ? ORDER BY localId LIMIT 1`);
  const byPhone = read<Account>(`SELECT account ${where} AND phoneNumber = ?`);
  const byProvider = read<Account>(
    `SELECT account FROM links JOIN accounts USING (project, tenant, localId)
     WHERE project = ? AND tenant = ? AND providerId = ? AND rawId = ?`,
  );
  const page = read<Account>(`SELECT account ${where} AND localId > ? ORDER BY localId LIMIT ?`);
  const count = sql.prepare(`SELECT count(*) AS count ${where}`);
  const countAll = sql.prepare("SELECT count(*) AS count FROM accounts");
  const people = sql.prepare(`SELECT 1 ${where} LIMIT 1`);
  const knowing = sql.prepare(`
    SELECT project FROM accounts WHERE localId = ?1 AND tenant = ''
    UNION SELECT project FROM accounts WHERE email = ?2 AND tenant = ''`);
  const put = run("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)");
  const remove = run("DELETE FROM accounts WHERE project = ? AND tenant = ? AND localId = ?");
  const unlink = run("DELETE FROM links WHERE project = ? AND tenant = ? AND localId = ?");
  const link = run("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?)");
  const removeGrants = run("DELETE FROM grants WHERE project = ? AND tenant = ? AND localId = ?");
  return {
    account: ({ project, tenant }: Realm, localId: string) => byId(project, tenant, localId)[0],
    byEmail: ({ project, tenant }: Realm, email: string) => byEmail(project, tenant, email.toLowerCase())[0],
    byPhone: ({ project, tenant }: Realm, phoneNumber: string) => byPhone(project, tenant, phoneNumber)[0],
    byProvider: ({ project, tenant }: Realm, providerId: string, rawId: string) =>
      byProvider(project, tenant, providerId, rawId)[0],
    accounts: ({ project, tenant }: Realm, after: string, limit: number) =>
      page(project, tenant, after, limit),
    countAccounts: (realm: Realm | undefined) =>
      Number((realm === undefined ? countAll.get() : count.get(realm.project, realm.tenant))?.count ?? 0),
    hasPeople: (project: string) => people.get(project, "") !== undefined,
    projectsKnowing: (localId: string, email: string) =>
      knowing.all(localId, email).map((row) => row["project"] as string),
    putAccount({ project, tenant }: Realm, account: Account) {
      const { localId, email, phoneNumber } = account;
      put(project, tenant, localId, email ?? null, phoneNumber ?? null, JSON.stringify(account));
      unlink(project, tenant, localId);
      for (const { providerId, rawId } of providersOf(account))
        link(project, tenant, providerId, rawId, localId);
    },
    removeAccount({ project, tenant }: Realm, localId: string) {
      remove(project, tenant, localId);
      unlink(project, tenant, localId);
      removeGrants(project, tenant, localId);
    },
  };
}

function codeRows(read: Read, run: Run) {
  const code = read<OobCode>("SELECT value FROM oobCodes WHERE project = ? AND tenant = ? AND code = ?");
  const codes = read<OobCode>("SELECT value FROM oobCodes WHERE project = ? ORDER BY rowid");
  const realmOf = read<Realm>(
    "SELECT json_object('project', project, 'tenant', tenant) FROM oobCodes WHERE code = ?",
  );
  const putCode = run("INSERT OR REPLACE INTO oobCodes VALUES (?, ?, ?, ?)");
  const removeCode = run("DELETE FROM oobCodes WHERE project = ? AND tenant = ? AND code = ?");
  const grant = read<{ realm: Realm; grant: RefreshGrant }>(
    `SELECT json_object('realm', json_object('project', project, 'tenant', tenant), 'grant', json(value))
     FROM grants WHERE token = ?`,
  );
  const putGrant = run("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?)");
  return {
    oobCode: ({ project, tenant }: Realm, id: string) => code(project, tenant, id)[0],
    oobCodes: (project: string) => codes(project),
    oobRealm: (id: string) => realmOf(id)[0],
    putOobCode: ({ project, tenant }: Realm, value: OobCode) =>
      putCode(project, tenant, value.oobCode, JSON.stringify(value)),
    removeOobCode: ({ project, tenant }: Realm, id: string) => removeCode(project, tenant, id),
    grant: (token: string) => grant(token)[0],
    putGrant: ({ project, tenant }: Realm, value: RefreshGrant) =>
      putGrant(value.token, project, tenant, value.localId, JSON.stringify(value)),
  };
}

function documentRows({ sql }: Database, read: Read, run: Run) {
  const ofTenant = sql.prepare("SELECT project FROM documents WHERE kind = 'tenant' AND name = ?");
  const one = read<Document>("SELECT value FROM documents WHERE project = ? AND kind = ? AND name = ?");
  const all = read<Document>("SELECT value FROM documents WHERE project = ? AND kind = ? ORDER BY name");
  const put = run("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)");
  const remove = run("DELETE FROM documents WHERE project = ? AND kind = ? AND name = ?");
  return {
    document: (project: string, kind: string, name: string) => one(project, kind, name)[0],
    documents: (project: string, kind: string) => all(project, kind),
    projectsWithTenant: (tenant: string) => ofTenant.all(tenant).map((row) => row["project"] as string),
    putDocument: (project: string, kind: string, name: string, value: Document) =>
      put(project, kind, name, JSON.stringify(value)),
    removeDocument: (project: string, kind: string, name: string) => remove(project, kind, name),
  };
}

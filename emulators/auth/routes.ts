import { type ConfigCall, oidcHandlers, projectConfig, samlHandlers, tenantHandlers } from "./configs.ts";
import type { Handler } from "./core.ts";
import {
  batchCreate,
  batchDelete,
  batchGet,
  createAuthUri,
  deleteAccount,
  lookup,
  query,
} from "./directory.ts";
import type { StatusError } from "../kernel/status-error.ts";
import { authError, unimplemented } from "./failure.ts";
import { signInWithIdp } from "./idp.ts";
import { resetPassword, sendOobCode } from "./oob.ts";
import { listVerificationCodes, sendVerificationCode, signInWithPhoneNumber } from "./phone.ts";
import { signInWithCustomToken, signInWithEmailLink, signInWithPassword } from "./sign-in.ts";
import { signUp } from "./sign-up.ts";
import { createSessionCookie, refresh } from "./tokens.ts";
import { updateAccount } from "./update.ts";

export interface Route {
  /** What meters and faults call it: "accounts.signUp". */
  readonly method: string;
  readonly handler: Handler;
  /** From the path; undefined where it names none. */
  readonly project: string | undefined;
  readonly tenant: string | undefined;
  readonly names: Readonly<Record<string, string>>;
  /** Whether the path is that of an SDK in emulator mode: it begins with the service's host. */
  readonly emulated: boolean;
}

/** Calls on accounts, by what stands behind the colon. */
const ACCOUNTS: Readonly<Record<string, Handler>> = {
  signUp,
  signInWithPassword,
  signInWithCustomToken,
  signInWithIdp,
  signInWithEmailLink,
  lookup,
  update: updateAccount,
  delete: deleteAccount,
  batchCreate,
  batchDelete,
  query,
  sendOobCode,
  resetPassword,
  createAuthUri,
  sendVerificationCode,
  signInWithPhoneNumber,
};

const CONFIGS: Readonly<Record<string, readonly [name: string, handlers: Record<ConfigCall, Handler>]>> = {
  tenants: ["tenants", tenantHandlers],
  oauthIdpConfigs: ["oauthIdpConfigs", oidcHandlers],
  inboundSamlConfigs: ["inboundSamlConfigs", samlHandlers],
};

const listOobCodes: Handler = ({ state }, { realm }) => ({
  oobCodes: state.oobCodes(realm.project).map(({ oobCode, email, newEmail, oobLink, requestType }) => ({
    email,
    ...(newEmail && { newEmail }),
    oobCode,
    oobLink,
    requestType,
  })),
});

const clearAccounts: Handler = ({ state }, { realm }) =>
  state.database.write(() => {
    state.clearProject(realm.project);
    return {};
  });

const HOSTS = /^\/(?:(?:www\.)?(?<host>identitytoolkit|securetoken)\.googleapis\.com)(?<rest>\/.*)$/;

/** Finds the handler of a call; throws 404 or 501. */
export function findRoute(verb: string, path: string): Route {
  const host = HOSTS.exec(path)?.groups;
  const emulated = host !== undefined;
  const rest = host?.rest ?? path;
  const whole = { emulated, project: undefined, tenant: undefined, names: {} };
  if (/^\/v1\/token$/.test(rest) && verb === "POST") return { ...whole, method: "token", handler: refresh };
  const [, debugProject, thing] =
    /^\/emulator\/v1\/projects\/([^/]+)\/(oobCodes|verificationCodes|accounts|config)$/.exec(rest) ?? [];
  if (debugProject !== undefined && thing !== undefined) {
    return {
      ...whole,
      project: debugProject,
      method: `emulator.${thing}`,
      handler: debugHandler(verb, thing),
    };
  }
  const [, , projectPart, project, tenant, tail = ""] =
    /^\/(v1|v2|v2beta1)\/?(projects\/([^/:]+)(?:\/tenants\/([^/:]+)(?=[/:]))?)?\/?(.*)$/.exec(rest) ?? [];
  if (tail === "" && projectPart === undefined) throw notFound(path);
  const scope = {
    emulated,
    project,
    tenant: tenant === undefined ? undefined : decodeURIComponent(tenant),
    names: {},
  };
  return accountRoute(verb, tail, scope) ?? configRoute(verb, tail, scope) ?? refuse(verb, path);
}

type Scope = Omit<Route, "method" | "handler">;

function accountRoute(verb: string, tail: string, scope: Scope): Route | undefined {
  if (verb === "POST" && tail === "accounts") return { ...scope, method: "accounts.signUp", handler: signUp };
  if (verb === "POST" && tail === ":createSessionCookie") {
    return { ...scope, method: "createSessionCookie", handler: createSessionCookie };
  }
  if (verb === "GET" && tail === "accounts:batchGet")
    return { ...scope, method: "accounts.batchGet", handler: batchGet };
  const [, name] = /^accounts:(\w+)$/.exec(tail) ?? [];
  const handler = name === undefined || verb !== "POST" ? undefined : ACCOUNTS[name];
  return handler === undefined ? undefined : { ...scope, method: `accounts.${name}`, handler };
}

function configRoute(verb: string, tail: string, scope: Scope): Route | undefined {
  if (tail === "config" && (verb === "GET" || verb === "PATCH")) {
    return {
      ...scope,
      method: `config.${verb.toLowerCase()}`,
      handler: projectConfig[verb === "GET" ? "get" : "patch"],
    };
  }
  const [, collection = "", id] = /^(\w+)(?:\/([^/]+))?$/.exec(tail) ?? [];
  const [name, handlers] = CONFIGS[collection] ?? [];
  if (name === undefined || handlers === undefined) return undefined;
  const call: ConfigCall | undefined =
    id === undefined
      ? ({ GET: "list", POST: "create" } as const)[verb as "GET" | "POST"]
      : ({ GET: "get", PATCH: "patch", DELETE: "delete" } as const)[verb as "GET" | "PATCH" | "DELETE"];
  if (call === undefined) return undefined;
  const names = id === undefined ? {} : { id: decodeURIComponent(id) };
  return { ...scope, names, method: `${name}.${call}`, handler: handlers[call] };
}

/** The endpoints for tests that Google's own emulator adds to the service. */
function debugHandler(verb: string, thing: string): Handler {
  if (thing === "oobCodes" && verb === "GET") return listOobCodes;
  if (thing === "verificationCodes" && verb === "GET") return listVerificationCodes;
  if (thing === "accounts" && verb === "DELETE") return clearAccounts;
  if (thing === "config" && (verb === "GET" || verb === "PATCH")) {
    const handler = projectConfig[verb === "GET" ? "get" : "patch"];
    return (core, call) => handler(core, { ...call, admin: true });
  }
  throw unimplemented(`${verb} /emulator/v1/projects/…/${thing}`);
}

const notFound = (path: string): StatusError =>
  authError(`No such path: ${path}`, 404, "notFound", "NOT_FOUND");

function refuse(verb: string, path: string): never {
  if (/\/(accounts|mfa|recaptcha|passwordPolicy|defaultSupportedIdp|identityPlatform)/.test(path))
    throw unimplemented(`${verb} ${path}`);
  throw notFound(path);
}

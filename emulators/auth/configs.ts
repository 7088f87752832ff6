import { randomBytes } from "node:crypto";
import { type AuthCore, type Body, type Call, type Handler, requireAdmin } from "./core.ts";
import { authError } from "./failure.ts";
import { CONFIG_PAGE_DEFAULT, CONFIG_PAGE_MAX } from "./limits.ts";
import type { Document } from "./state.ts";

/**
 * Merges `given` into what is known, for the fields that the mask names. An empty mask replaces everything.
 */
export function masked(known: Document, given: Body, mask: string | null): Document {
  if (!mask) return { ...given };
  const result = structuredClone(known) as Record<string, unknown>;
  for (const path of mask.split(",")) copyPath(result, given, path.split("."));
  return result;
}

function copyPath(
  target: Record<string, unknown>,
  source: unknown,
  [name = "", ...rest]: readonly string[],
): void {
  const value = isObject(source) ? source[name] : undefined;
  if (rest.length === 0) {
    if (value === undefined) delete target[name];
    else target[name] = value;
    return;
  }
  // A path through a value that is not an object leads to nothing.
  if (target[name] !== undefined && !isObject(target[name])) return;
  const known = target[name];
  const inner: Record<string, unknown> = isObject(known) ? { ...known } : {};
  copyPath(inner, value, rest);
  target[name] = inner;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One kind of configuration: its name and its defaults. */
interface Kind {
  readonly kind: string;
  /** The path's collection, also the part of the resource's name. */
  readonly collection: string;
  readonly listField: string;
  readonly notFound: string;
  idOf(call: Call): string;
  complete(document: Document, id: string): Document;
}

const tenants: Kind = {
  kind: "tenant",
  collection: "tenants",
  listField: "tenants",
  notFound: "TENANT_NOT_FOUND",
  idOf: ({ body }) => {
    const stem =
      typeof body.displayName === "string"
        ? body.displayName.toLowerCase().replaceAll(/[^a-z0-9-]/g, "")
        : "tenant";
    return `${stem}-${randomBytes(3).toString("hex")}`;
  },
  complete: (document, id) => ({
    allowPasswordSignup: false,
    enableEmailLinkSignin: false,
    enableAnonymousUser: false,
    disableAuth: false,
    mfaConfig: { state: "DISABLED", enabledProviders: [] },
    ...document,
    tenantId: id,
  }),
};

const providers = (kind: string, collection: string, parameter: string): Kind => ({
  kind,
  collection,
  listField: collection,
  notFound: "CONFIGURATION_NOT_FOUND",
  idOf({ query }) {
    const id = query.get(parameter);
    if (!id?.startsWith(kind === "oidc" ? "oidc." : "saml.")) throw authError("INVALID_CONFIG_ID");
    return id;
  },
  complete: (document) => document,
});

export type ConfigCall = "create" | "get" | "list" | "patch" | "delete";

/** Tenants and providers: kept as given. */
export const tenantHandlers = handlersOf(tenants);
export const oidcHandlers = handlersOf(providers("oidc", "oauthIdpConfigs", "oauthIdpConfigId"));
export const samlHandlers = handlersOf(providers("saml", "inboundSamlConfigs", "inboundSamlConfigId"));

function handlersOf(of: Kind): Record<ConfigCall, Handler> {
  // Providers may belong to a tenant: then its name is part of the kind.
  const kindIn = ({ realm }: Call): string => (of === tenants ? of.kind : `${of.kind}/${realm.tenant}`);
  const nameOf = ({ realm }: Call, id: string): string =>
    `projects/${realm.project}/${of !== tenants && realm.tenant !== "" ? `tenants/${realm.tenant}/` : ""}${of.collection}/${id}`;
  const access = ({ state }: AuthCore, call: Call): Document => {
    const found = state.document(call.realm.project, kindIn(call), call.names.id ?? "");
    if (found === undefined) throw authError(of.notFound, 404, "notFound", "NOT_FOUND");
    return found;
  };
  const keep = (core: AuthCore, call: Call, id: string, document: Document): Document => {
    const whole = { ...of.complete(document, id), name: nameOf(call, id) };
    core.state.putDocument(call.realm.project, kindIn(call), id, whole);
    return whole;
  };
  const guarded =
    (handler: Handler): Handler =>
    (core, call) => {
      requireAdmin(call);
      return handler(core, call);
    };
  return {
    create: guarded((core, call) => {
      const id = of.idOf(call);
      return core.state.database.write(() => {
        if (core.state.document(call.realm.project, kindIn(call), id) !== undefined)
          throw authError("CONFIGURATION_EXISTS");
        return keep(core, call, id, call.body);
      });
    }),
    get: guarded(access),
    list: guarded((core, call) => list(core, call, of, kindIn(call))),
    patch: guarded((core, call) =>
      core.state.database.write(() => {
        const known = access(core, call);
        return keep(core, call, call.names.id ?? "", masked(known, call.body, call.query.get("updateMask")));
      }),
    ),
    delete: guarded((core, call) =>
      core.state.database.write(() => {
        access(core, call);
        core.state.removeDocument(call.realm.project, kindIn(call), call.names.id ?? "");
        return {};
      }),
    ),
  };
}

function list({ state }: AuthCore, { realm, query }: Call, of: Kind, kind: string): unknown {
  const size = Math.min(
    Number(query.get("pageSize") ?? CONFIG_PAGE_DEFAULT) || CONFIG_PAGE_DEFAULT,
    CONFIG_PAGE_MAX,
  );
  const after = query.get("pageToken") ?? "";
  const idOf = (document: Document): string => String(document.name).split("/").at(-1) ?? "";
  const rest = state.documents(realm.project, kind).filter((document) => idOf(document) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return {
    [of.listField]: page,
    ...(page.length === size && last !== undefined ? { nextPageToken: idOf(last) } : {}),
  };
}

/** A project's configuration: kept as given; `signIn.allowDuplicateEmails` has an effect. */
export const projectConfig: Record<"get" | "patch", Handler> = {
  get(core, call) {
    requireAdmin(call);
    return configOf(core, call);
  },
  patch(core, call) {
    requireAdmin(call);
    const { project } = call.realm;
    return core.state.database.write(() => {
      const next = masked(configOf(core, call), call.body, call.query.get("updateMask"));
      core.state.putDocument(project, "config", "", { ...next, name: `projects/${project}/config` });
      return configOf(core, call);
    });
  },
};

const configOf = ({ state }: AuthCore, { realm: { project } }: Call): Document => ({
  name: `projects/${project}/config`,
  signIn: { allowDuplicateEmails: false },
  ...state.document(project, "config", ""),
});

import type { z } from "zod";
import { FAILURES } from "../../../shared/platform/errors.ts";
import { type Endpoint, statusesOf } from "../../runtime/endpoint.ts";
import { KEY_CHARS_MAX } from "../../runtime/parse-request.ts";
import { createNamedSchemas, type JsonSchema, type NamedSchemas } from "./named-schemas.ts";
import { OVERVIEW } from "./overview.ts";

/** An endpoint, as far as it is described. */
export type Described = Omit<Endpoint, "handle" | "replay">;

export interface ApiDescription {
  readonly openapi: "3.1.1";
  readonly info: object;
  readonly servers: readonly object[];
  readonly tags: readonly object[];
  readonly security: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, object>>;
    readonly headers: Readonly<Record<string, object>>;
    readonly parameters: Readonly<Record<string, object>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly deprecated?: true;
  readonly security?: readonly object[];
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: Body & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Partial<Body> & { readonly $ref?: string }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly schema: JsonSchema;
}

interface Body {
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
}

/**
 * The OpenAPI description of some endpoints: made from the schemas that check requests and, in tests,
 * replies, so it says what is so. Pure; takes some 80 ms for the whole API.
 */
export function describeApi(endpoints: readonly Described[]): ApiDescription {
  const schemas = createNamedSchemas();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const endpoint of endpoints) {
    const operations = (paths[endpoint.path] ??= {});
    operations[endpoint.method.toLowerCase()] = describeOperation(endpoint, schemas);
  }
  const tags = new Set(endpoints.map(tagOf));
  return {
    openapi: "3.1.1",
    info: {
      title: "Scrollback",
      version: "1",
      description: OVERVIEW,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...tags].sort().map((name) => ({ name })),
    security: [{ token: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: { ...sorted(referred(schemas.all, paths)), Problem: PROBLEM },
      responses: PROBLEM_RESPONSES,
      headers: HEADERS,
      parameters: PARAMETERS,
      securitySchemes: SECURITY,
    },
  };
}

function describeOperation(endpoint: Described, schemas: NamedSchemas): Operation {
  const { method, path, access, summary, body, example, reply, deprecated } = endpoint;
  const content = contentOf(reply, schemas);
  const responses = statusesOf(endpoint).map((status) => {
    const hasContent = content !== undefined && status !== 204 && status !== 304;
    const shown = endpoint.streams === true && status === 200 ? STREAM : content;
    return [
      String(status),
      {
        description: STATUS_WORDS[status] ?? "",
        headers: headersOf(endpoint),
        ...(hasContent ? { content: shown } : {}),
      },
    ];
  });
  const problems = problemStatuses(endpoint).map((status) => [
    String(status),
    { $ref: `#/components/responses/Problem${status}` },
  ]);
  return {
    operationId: operationId(method, path),
    tags: [tagOf(endpoint)],
    summary,
    description: conditionsOf(endpoint),
    ...(deprecated === undefined ? {} : { deprecated: true as const }),
    ...(access === "anyone" ? { security: [] } : {}),
    parameters: parametersOf(endpoint, schemas),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: {
              "application/json": {
                schema: schemas.of(body, "input"),
                ...(example === undefined ? {} : { example }),
              },
            },
          },
        }),
    responses: Object.fromEntries([...responses, ...problems]),
  };
}

const STREAM = { "text/event-stream": { schema: { type: "string" } } } as const;

function contentOf(reply: Described["reply"], schemas: NamedSchemas): Body["content"] | undefined {
  if (reply === "empty") return undefined;
  if (reply === "event-stream") return STREAM;
  if (reply === "html") return { "text/html": { schema: { type: "string" } } };
  return { "application/json": { schema: schemas.of(reply, "output") } };
}

/** What a caller has to have, in sentences. */
function conditionsOf({ access, sensitive, own, signIn }: Described): string {
  return [
    access === "operator" ? "Needs the operator's key." : undefined,
    access !== "operator" && access !== "anyone" ? `Needs the permission \`${access}\`.` : undefined,
    sensitive === true ? "Whoever has a second factor must have proved it just now." : undefined,
    own === true ? "No server may ask for it in somebody's name." : undefined,
    signIn === true ? "Counts under the stricter limit of sign-ins." : undefined,
  ]
    .filter((sentence) => sentence !== undefined)
    .join(" ");
}

function parametersOf(endpoint: Described, schemas: NamedSchemas): Operation["parameters"] {
  const { path, access, params, query, idempotent, conditional, own } = endpoint;
  const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const ofPath = propertiesOf(params, schemas);
  const ofQuery = propertiesOf(query, schemas);
  const parameters: Operation["parameters"] = [
    ...named
      .filter((name) => name !== "app")
      .map((name) => ({
        name,
        in: "path" as const,
        required: true,
        schema: ofPath.schemas[name] ?? { type: "string" },
      })),
    ...Object.entries(ofQuery.schemas).map(([name, schema]) => ({
      name,
      in: "query" as const,
      required: ofQuery.required.includes(name),
      schema,
    })),
  ];
  const shared = [
    ...(named.includes("app") ? ["App"] : []),
    ...(idempotent === true ? ["IdempotencyKey"] : []),
    ...(conditional === "write" ? ["IfMatch"] : []),
    ...(conditional === "read" ? ["IfNoneMatch"] : []),
    ...(access !== "anyone" && access !== "operator" && own !== true ? ["ActingFor"] : []),
  ];
  return [...shared.map((name) => ({ $ref: `#/components/parameters/${name}` })), ...parameters];
}

function propertiesOf(
  schema: z.ZodType | undefined,
  schemas: NamedSchemas,
): { readonly schemas: Readonly<Record<string, JsonSchema>>; readonly required: readonly string[] } {
  if (schema === undefined) return { schemas: {}, required: [] };
  const described = schemas.of(schema, "input");
  const name = described.$ref?.split("/").at(-1);
  const { properties = {}, required = [] } = (name === undefined ? described : schemas.all[name]) ?? {};
  return { schemas: properties as Readonly<Record<string, JsonSchema>>, required };
}

/** The statuses of refusals that an endpoint may give. */
function problemStatuses({ method, path, access, body, idempotent, conditional }: Described): number[] {
  const isOfApp = path.includes("{app}");
  return [
    400,
    ...(access === "anyone" && !isOfApp ? [] : [401, 403]),
    ...(path.includes("{") ? [404] : []),
    ...(body === undefined ? [] : [408, 413, 415]),
    ...(method === "GET" ? [] : [409]),
    ...(conditional === "write" ? [412] : []),
    ...(idempotent === true ? [422] : []),
    429,
    500,
    503,
  ];
}

const headersOf = ({ conditional, idempotent, deprecated }: Described): Record<string, object> =>
  Object.fromEntries(
    [
      "X-Request-Id",
      ...(conditional === undefined ? [] : ["ETag"]),
      ...(idempotent === true ? ["Idempotency-Replayed"] : []),
      ...(deprecated === undefined ? [] : ["Deprecation", "Sunset"]),
    ].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );

/** Where the reference lists an operation. */
function tagOf({ path, access }: Pick<Described, "path" | "access">): string {
  if (access === "rollout:read") return "Rollouts";
  const [, , first = "", , second, , third] = path.replace("/operator/apps", "/operator").split("/");
  if (path.startsWith("/v1/operator/")) return "Operator";
  if (!path.startsWith("/v1/")) return "Deployment";
  if (first === "openapi.json") return "Deployment";
  const parts = [second ?? "app", third].filter((part) => part !== undefined);
  return TAGS[parts.find((part) => TAGS[part] !== undefined && part !== "chats") ?? "chats"] ?? "Chats";
}

const TAGS: Readonly<Record<string, string>> = {
  app: "App",
  tokens: "App",
  usage: "App",
  models: "App",
  moderation: "App",
  "security-events": "App",
  auth: "Sign-in",
  invitations: "People",
  users: "People",
  me: "Me",
  chats: "Chats",
  messages: "Messages",
  changes: "Messages",
  scheduled: "Messages",
  files: "Files",
  ai: "AI SDK",
  search: "Search",
  events: "Live",
  tickets: "Live",
  presence: "Live",
  typing: "Live",
  notifications: "Notifications",
  devices: "Notifications",
  mute: "Notifications",
  reports: "Moderation",
  rollouts: "Rollouts",
};

/** A name in generated clients: the method, and the path's words, one thing in the singular. */
export function operationId(method: string, path: string): string {
  const parts = path
    .replace(/^\/v1(\/apps\/\{app\}(?=\/))?/, "")
    .split("/")
    .filter((part) => part !== "");
  const words = parts.flatMap((part, at) => {
    if (part.startsWith("{")) return [];
    const isOne = parts[at + 1]?.startsWith("{") === true || (method === "POST" && at === parts.length - 1);
    const word = part
      .replace(/\.json$/, "")
      .replaceAll(/[^a-zA-Z]+(\w?)/g, (_, next: string) => next.toUpperCase());
    return isOne ? [word.replace(/ies$/, "y").replace(/s$/, "")] : [word];
  });
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
  return method.toLowerCase() + words.map(capital).join("");
}

/** Those that are referred to, from within one another too. Queries are described by their parameters. */
function referred(
  all: Readonly<Record<string, JsonSchema>>,
  paths: object,
): Readonly<Record<string, JsonSchema>> {
  const found: Record<string, JsonSchema> = {};
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      const schema = all[name];
      if (schema === undefined || found[name] !== undefined) continue;
      found[name] = schema;
      visit(schema);
    }
  };
  visit(paths);
  return found;
}

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const STATUS_WORDS: Readonly<Record<number, string>> = {
  200: "Done, or found.",
  201: "Created.",
  202: "Accepted: it is done in the background.",
  204: "Done; there is nothing to say.",
  302: "It is elsewhere.",
  304: "It is as the caller knows it.",
};

const codesOf = (status: number): string[] =>
  Object.entries(FAILURES).flatMap(([code, failure]) => (failure.status === status ? [code] : []));

const PROBLEM: JsonSchema = {
  type: "object",
  description: "An error (RFC 9457).",
  required: ["type", "title", "status", "detail", "instance", "code", "requestId"],
  properties: {
    type: { type: "string", description: "An address that explains the code." },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What is wrong with this request." },
    instance: { type: "string" },
    code: { type: "string", enum: Object.keys(FAILURES) },
    requestId: { type: "string", description: "To be named in a report; the log has it." },
    errors: {
      type: "array",
      description: "One for each wrong field.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
    errorsCount: { type: "integer", description: "How many there are, where not all are named." },
    violatedPolicies: { type: "array", items: { type: "string" }, description: "Limits that were exceeded." },
  },
};

const PROBLEM_RESPONSES = Object.fromEntries(
  [...new Set(Object.values(FAILURES).map(({ status }) => status))]
    .sort((a, b) => a - b)
    .map((status) => [
      `Problem${status}`,
      {
        description: codesOf(status)
          .map((code) => `\`${code}\`: ${FAILURES[code as keyof typeof FAILURES].title}`)
          .join(" "),
        headers: {
          "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
          ...(status === 429 || status === 503
            ? { "Retry-After": { $ref: "#/components/headers/Retry-After" } }
            : {}),
        },
        content: {
          "application/problem+json": {
            schema: {
              allOf: [
                { $ref: "#/components/schemas/Problem" },
                { type: "object", properties: { code: { enum: codesOf(status) } } },
              ],
            },
          },
        },
      },
    ]),
);

const text = (description: string): object => ({ description, schema: { type: "string" } });
const HEADERS = {
  "X-Request-Id": text("The request's id, which the log has too."),
  ETag: text("The revision of what was read or changed."),
  "Idempotency-Replayed": text("`true`: this is the reply to an earlier request with the same key."),
  "Retry-After": { description: "Seconds until it may be tried again.", schema: { type: "integer" } },
  Deprecation: text("Since when the endpoint is old (RFC 9745)."),
  Sunset: text("When the endpoint will be gone (RFC 8594)."),
};

const PARAMETERS = {
  App: { name: "app", in: "path", required: true, schema: { type: "string" }, description: "The app's id." },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    schema: { type: "string", minLength: 1, maxLength: KEY_CHARS_MAX },
    description: "A repetition with the same key gets the first reply, and does nothing again.",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    required: false,
    schema: { type: "string" },
    description: "The ETag of what is to be changed: 412 when somebody else was faster.",
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    required: false,
    schema: { type: "string" },
    description: "The ETag of what the caller has: 304 when that is still so.",
  },
  ActingFor: {
    name: "X-Acting-For",
    in: "header",
    required: false,
    schema: { type: "string" },
    description: "The id of the person in whose name a server asks; needs the scope `user:act-for`.",
  },
};

const SECURITY = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "A person's access token, an app's API token, or the operator's key.",
  },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: "__session",
    description: "A browser's session that was begun with `transport: cookie`.",
  },
};

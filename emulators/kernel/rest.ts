import type { IncomingMessage, ServerResponse } from "node:http";
import { type Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type protobuf from "protobufjs";
import type { RequestListener } from "./loopback.ts";
import { parseJson, readBody } from "./http.ts";
import { fromProtoJson, type ToJsonOptions, toProtoJson } from "./proto-json.ts";
import { googleErrorBody, StatusError, statusName } from "./status-error.ts";

/** A service to be served as REST, as the `google.api.http` annotations of its protos say. */
export interface RestService {
  /** The full proto name: "google.firestore.v1.Firestore". */
  readonly proto: string;
  readonly root: protobuf.Root;
  /** Decides between two RPCs with the same path, from the variables in the path. */
  readonly accepts?: (rpc: string, variables: Readonly<Record<string, string>>) => boolean;
}

interface Route {
  readonly rpc: protobuf.Method;
  readonly path: string;
  readonly verb: string;
  readonly pattern: RegExp;
  /** The fields that stand in the path, in the order of the pattern's groups. */
  readonly variables: readonly string[];
  readonly hasAction: boolean;
  /** The field that the body is, "*" for the request itself; undefined: there is none. */
  readonly body: string | undefined;
  readonly accepts: (variables: Readonly<Record<string, string>>) => boolean;
}

const VERBS = ["get", "put", "post", "delete", "patch"];

/**
 * Serves gRPC services as REST. Each request becomes a call of the RPC that its path names, made through
 * `client`, and the response becomes JSON. REST therefore behaves exactly as gRPC does.
 */
export function serveRest(services: readonly RestService[], client: Client): RequestListener {
  const routes = services.flatMap(routesOf);
  // "documents/a:runQuery" is an action, though it could also be the name of something.
  routes.sort((one, other) => Number(other.hasAction) - Number(one.hasAction));
  return (request, response) => {
    answer(routes, client, request, response).catch((cause: unknown) => fail(response, cause, false));
  };
}

function routesOf({ proto, root, accepts = () => true }: RestService): Route[] {
  const service = root.lookupService(proto);
  service.resolveAll();
  return service.methodsArray.flatMap((rpc) =>
    bindingsOf(rpc).flatMap((binding) => {
      const verb = VERBS.find((name) => binding[name] !== undefined);
      const template = verb === undefined ? undefined : binding[verb];
      // A stream of requests has no REST form, whatever its annotation says.
      if (verb === undefined || template === undefined || rpc.requestStream === true) return [];
      return {
        rpc,
        path: `/${proto}/${rpc.name}`,
        verb: verb.toUpperCase(),
        ...parseTemplate(template),
        body: binding.body,
        accepts: (variables: Readonly<Record<string, string>>) => accepts(rpc.name, variables),
      };
    }),
  );
}

type Binding = Readonly<Record<string, string | undefined>>;

function bindingsOf({ parsedOptions }: protobuf.Method): Binding[] {
  const options = (Array.isArray(parsedOptions) ? parsedOptions : []) as Record<string, unknown>[];
  const http = options.find((option) => option["(google.api.http)"] !== undefined)?.["(google.api.http)"];
  if (http === undefined) return [];
  const { additional_bindings: more = [] } = http as { additional_bindings?: Binding | Binding[] };
  return [http as Binding, ...(Array.isArray(more) ? more : [more])];
}

/** A path with variables in braces as a pattern with a group for each of them. */
function parseTemplate(template: string): Pick<Route, "pattern" | "variables" | "hasAction"> {
  const variables: string[] = [];
  const literal = (text: string): string => text.replace(/[.()+?^$|[\]\\]/g, "\\$&");
  const wildcards = (text: string): string =>
    literal(text)
      .replaceAll("/**", "(?:/.+)?")
      .replaceAll(/(?<![.)])\*/g, "[^/]+");
  const source = template.replaceAll(
    /\{([^}=]+)(?:=([^}]+))?\}|[^{}]+/g,
    (part, name?: string, form = "*") => {
      if (name === undefined) return literal(part);
      variables.push(name);
      return `(${wildcards(form as string)})`;
    },
  );
  return { pattern: new RegExp(`^${source}$`), variables, hasAction: /:\w+$/.test(template) };
}

function routeOf(
  routes: readonly Route[],
  verb: string | undefined,
  path: string,
): { route: Route; variables: Record<string, string> } {
  for (const route of routes) {
    const match = route.verb === verb ? route.pattern.exec(path) : null;
    if (match === null) continue;
    const entries = route.variables.map((name, i) => [name, decoded(match[i + 1] as string)]);
    const variables = Object.fromEntries(entries) as Record<string, string>;
    if (route.accepts(variables)) return { route, variables };
  }
  throw new StatusError("NOT_FOUND", `There is no ${verb} ${path}.`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StatusError("INVALID_ARGUMENT", `The path can't be decoded: ${text}`);
  }
}

async function answer(
  routes: readonly Route[],
  client: Client,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  // An action's colon may come encoded.
  const { route, variables } = routeOf(routes, request.method, url.pathname.replaceAll("%3A", ":"));
  const json = await requestJson(route, variables, url.searchParams, request);
  const requestType = route.rpc.resolvedRequestType as protobuf.Type;
  const bytes = Buffer.from(requestType.encode(fromProtoJson(requestType, json)).finish());
  const enumNumbers = url.searchParams.get("$alt")?.includes("enum-encoding=int") === true;
  const stream = client.makeServerStreamRequest(route.path, same, same, bytes, metadataOf(request));
  response.on("close", () => stream.cancel());
  await send(route.rpc, stream, response, { enumNumbers });
}

const same = (bytes: Buffer): Buffer => bytes;

/** Headers that carry meaning over from HTTP to gRPC. */
function metadataOf({ headers }: IncomingMessage): Metadata {
  const metadata = new Metadata();
  for (const name of ["authorization", "x-request-id", "x-goog-request-params"]) {
    const value = headers[name];
    if (typeof value === "string") metadata.set(name, value);
  }
  return metadata;
}

async function send(
  rpc: protobuf.Method,
  stream: AsyncIterable<Buffer>,
  response: ServerResponse,
  options: ToJsonOptions,
): Promise<void> {
  const type = rpc.resolvedResponseType as protobuf.Type;
  const streamed = rpc.responseStream === true;
  let sent = 0;
  try {
    for await (const bytes of stream) {
      if (sent === 0) response.writeHead(200, { "content-type": "application/json; charset=UTF-8" });
      if (streamed) response.write(sent === 0 ? "[" : ",\n");
      response.write(JSON.stringify(toProtoJson(type, type.decode(bytes), options)));
      sent += 1;
    }
    if (sent === 0) response.writeHead(200, { "content-type": "application/json; charset=UTF-8" });
    response.end(streamed ? (sent === 0 ? "[]" : "]") : "");
  } catch (cause) {
    if (sent > 0 && streamed) response.end(`,\n${JSON.stringify(errorOf(cause))}]`);
    else fail(response, cause, streamed);
  }
}

/** The request from body, path and query, as one JSON object. */
async function requestJson(
  { body, verb }: Route,
  variables: Readonly<Record<string, string>>,
  query: URLSearchParams,
  request: IncomingMessage,
): Promise<object> {
  const text = (await readBody(request, BODY_LIMIT)).toString();
  const content: unknown = text === "" ? {} : parseJson(text, invalidJson);
  const json: Record<string, unknown> = {};
  if (body === "*") Object.assign(json, content);
  else if (body !== undefined) json[body] = content;
  else if (text !== "" && verb !== "DELETE")
    throw new StatusError("INVALID_ARGUMENT", "There is no body here.");
  for (const name of new Set(query.keys())) {
    if (name.startsWith("$") || IGNORED_PARAMETERS.has(name)) continue;
    const values = query.getAll(name);
    place(json, name, values.length === 1 ? values[0] : values);
  }
  for (const [name, value] of Object.entries(variables)) place(json, name, value);
  return json;
}

/** Parameters that every Google API takes and that change nothing here. */
const IGNORED_PARAMETERS = new Set(["alt", "key", "prettyPrint", "quotaUser", "access_token"]);

/** Sets the field that a dotted name such as `mask.fieldPaths` leads to. */
function place(json: Record<string, unknown>, name: string, value: unknown): void {
  const parts = name.split(".");
  let into = json;
  for (const part of parts.slice(0, -1)) {
    into[part] ??= {};
    into = into[part] as Record<string, unknown>;
  }
  into[parts.at(-1) as string] = value;
}

const invalidJson = (cause: unknown): StatusError =>
  new StatusError("INVALID_ARGUMENT", `Invalid JSON payload received. ${String(cause)}`);

const BODY_LIMIT = {
  // As for gRPC requests.
  bytesMax: 64 * 1024 * 1024,
  tooLarge: () => new StatusError("INVALID_ARGUMENT", "The request is too large."),
};

/** The body of an error, from the emulator itself or from its gRPC client. */
function errorOf(cause: unknown): ReturnType<typeof googleErrorBody> {
  if (cause instanceof StatusError) return googleErrorBody(cause);
  const { code, details } = cause as Partial<ServiceError>;
  const message = details ?? (cause instanceof Error ? cause.message : String(cause));
  const name = statusName(status[code ?? status.UNKNOWN] ?? "");
  return googleErrorBody(new StatusError(name, message));
}

/** Answers with an error in Google's form; a stream's error comes in a list, as its answers would. */
function fail(response: ServerResponse, cause: unknown, streamed: boolean): void {
  const body = errorOf(cause);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(body.error.code, { "content-type": "application/json; charset=UTF-8" });
  response.end(JSON.stringify(streamed ? [body] : body));
}

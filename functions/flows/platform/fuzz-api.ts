import { request as send } from "node:http";
import type { Endpoint } from "../../runtime/endpoint.ts";
import { REFUSAL_BYTES_MAX } from "../../runtime/problem.ts";
import { endpoints } from "../../http/endpoints.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { type Base, hostileRequests, type HostileRequest } from "./hostile-requests.ts";

/** Operations of a refused request: whatever is looked up before it is refused. */
const REFUSED_READS_MAX = 20;
/** A request that is over by then has not been slowed down by what it held. */
export const PROCESSED_MS_MAX = 250;

export interface Fuzz extends AsyncDisposable {
  readonly requests: readonly HostileRequest[];
  /** Sends it; resolves with what is wrong with the reply. */
  problemsOf(request: HostileRequest): Promise<string[]>;
  /** How long the server worked at the request that was sent last, in milliseconds. */
  readonly processedMs: number;
}

/** What would take away the ground that the other requests stand on. */
const DESTRUCTIVE = new Set([
  "DELETE /v1/apps/{app}",
  "POST /v1/operator/keys/rotations",
  // Each begins to write the app's index anew, in the background of all others.
  "POST /v1/operator/apps/{app}/search/rebuilds",
]);

const BODIES: Readonly<Record<string, object>> = {
  "POST /v1/apps": { name: "Fuzzed" },
  "POST /v1/apps/{app}/chats": { kind: "group" },
  "PATCH /v1/apps/{app}/chats/{chat}": { title: "Fuzzed" },
  "POST /v1/apps/{app}/chats/{chat}/forks": { at: 1 },
  "PUT /v1/apps/{app}/chats/{chat}/branch": { branch: "main" },
  "PUT /v1/apps/{app}/chats/{chat}/read": { number: 1 },
  "POST /v1/apps/{app}/chats/{chat}/messages": { text: "Fuzzed" },
  "PATCH /v1/apps/{app}/chats/{chat}/messages/{message}": { text: "Fuzzed" },
  "PUT /v1/apps/{app}/chats/{chat}/mute": { until: null },
  "PUT /v1/apps/{app}/notifications/read": { through: "1.1" },
  "PUT /v1/apps/{app}/devices/{id}": { pushToken: "token" },
  "POST /v1/apps/{app}/auth/codes": { email: "fuzz@fuzz.test" },
  "POST /v1/operator/revocations": { scope: "token", id: "nothing" },
};

/** A system, and every hostile request there is for its routes. */
export async function openFuzz(): Promise<Fuzz> {
  const system = await startSystem();
  const ada = await system.signIn("ada@fuzz.test");
  const chat = await prepareChat(ada);
  const base: Base = (endpoint) => ({
    path: endpoint.path
      .replace("{app}", "demo")
      .replace("{chat}", String(chat))
      .replace("{message}", "1")
      .replace("{emoji}", encodeURIComponent("👍"))
      .replace("{user}", ada.id)
      .replace("{name}", "fuzzed")
      .replace("{code}", "not_found")
      .replace("{id}", "aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    body: BODIES[`${endpoint.method} ${endpoint.path}`] ?? {},
  });
  const requests = endpoints
    .filter(({ method, path }) => !DESTRUCTIVE.has(`${method} ${path}`))
    .flatMap((endpoint) => [...hostileRequests(endpoint, base)]);
  let processedMs = 0;
  return {
    requests,
    get processedMs() {
      return processedMs;
    },
    async problemsOf(request) {
      const reply = await replyTo(system, ada, request);
      const id = String(reply.headers["x-request-id"]);
      const line = system.logs.findLast(({ requestId }) => requestId === id);
      processedMs = Number(line?.latencyMs ?? 0);
      const { billed } = system.suite.kernel.meter.read({ requestId: id });
      return [
        ...(reply.status < 500 ? [] : [`${request.name}: ${reply.status} ${JSON.stringify(line?.error)}`]),
        ...(reply.status < 400 || reply.bytes <= REFUSAL_BYTES_MAX
          ? []
          : [`${request.name}: a refusal of ${reply.bytes} bytes`]),
        ...(reply.status < 400 || /problem\+json/.test(String(reply.headers["content-type"]))
          ? []
          : [`${request.name}: ${reply.status} is no problem`]),
        ...(reply.status < 400 || billed.reads <= REFUSED_READS_MAX
          ? []
          : [`${request.name}: refused after ${billed.reads} reads`]),
      ];
    },
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  };
}

async function prepareChat(ada: Person): Promise<number> {
  const { body } = await ada.api.post("/v1/apps/demo/chats", { kind: "group" });
  await ada.api.post(`/v1/apps/demo/chats/${body.number}/messages`, { text: "First" });
  return body.number;
}

interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: number;
}

/** As it stands, where `fetch` would tidy up the address. Streams are left at once. */
function replyTo(system: System, ada: Person, { endpoint, path, body }: HostileRequest): Promise<RawReply> {
  const { hostname, port, pathname } = new URL(system.url);
  return new Promise((resolve, reject) => {
    const headers = {
      ...authorization(system, ada, endpoint),
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const sending = send(
      { hostname, port, method: endpoint.method, path: `${pathname}${path}`, headers },
      (response) => {
        let bytes = 0;
        const settle = (): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes });
        if (response.headers["content-type"] === "text/event-stream") {
          settle();
          response.destroy();
          return;
        }
        response.on("data", (chunk: Buffer) => (bytes += chunk.length));
        response.on("end", settle).on("error", reject);
      },
    );
    sending.on("error", reject);
    sending.end(body);
  });
}

const authorization = (system: System, ada: Person, { access }: Endpoint): Record<string, string> => {
  if (access === "anyone") return {};
  const adminsOnly = /^(?:app:change|app:delete|token|user:change|usage|rollout|security)/.test(access);
  const token = access === "operator" || adminsOnly ? system.env.OPERATOR_KEY : ada.session.accessToken;
  return { authorization: `Bearer ${token}` };
};

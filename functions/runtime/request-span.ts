import type { IncomingMessage } from "node:http";
import type { Entered } from "../../shared/platform/traces.ts";
import type { Served } from "./http-function.ts";
import type { Reply } from "./reply.ts";

/**
 * What a request's span says, by the names of OpenTelemetry's conventions: the route and not the address, the
 * app and not the person.
 */
export function requestSpan(
  request: IncomingMessage,
  { status }: Reply,
  { endpoint, appId, error }: Served,
): Parameters<Entered["end"]>[0] {
  return {
    name: endpoint === undefined ? `${request.method} (no route)` : `${request.method} ${endpoint.path}`,
    kind: "server",
    attributes: {
      "http.request.method": request.method,
      "http.route": endpoint?.path,
      "http.response.status_code": status,
      "scrollback.app": appId,
      "scrollback.outcome": error?.code ?? "ok",
      "error.type": status >= 500 ? error?.code : undefined,
    },
    isFailed: status >= 500,
  };
}

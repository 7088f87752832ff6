import type { IncomingMessage } from "node:http";
import type { RequestListener } from "./loopback.ts";
import { googleErrorBody, StatusError } from "./status-error.ts";

const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether the request comes from a program or a page of this machine. Emulators authenticate nobody, so pages
 * of other sites must not reach them, neither from their own origin nor through a name that points to this
 * machine (DNS rebinding).
 */
function isFromHere({ headers }: IncomingMessage): boolean {
  const names = [`http://${headers.host}`, headers.origin ?? "http://localhost"];
  return names.every((name) => URL.canParse(name) && HERE.has(new URL(name).hostname));
}

/**
 * Restricts a listener to programs and pages of this machine. "/" reports that it is up, as Google's
 * emulators do.
 */
export const ownMachineOnly =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (!isFromHere(request)) {
      const error = new StatusError("PERMISSION_DENIED", "Only for this machine.");
      response
        .writeHead(error.httpStatus, { "content-type": "application/json" })
        .end(JSON.stringify(googleErrorBody(error)));
      return;
    }
    if (request.headers.origin !== undefined) {
      response.setHeader("access-control-allow-origin", request.headers.origin);
      response.setHeader("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE");
      response.setHeader(
        "access-control-allow-headers",
        request.headers["access-control-request-headers"] ?? "*",
      );
    }
    if (request.method === "OPTIONS") response.writeHead(204).end();
    else if (request.url === "/") response.writeHead(200, { "content-type": "text/plain" }).end("Ok\n");
    else listener(request, response);
  };

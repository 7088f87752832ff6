import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getTestServer } from "@google-cloud/functions-framework/testing";

export interface ServedFunction {
  readonly timeoutSeconds: number;
}

/**
 * Longer than any client keeps an idle connection, so that it is always the client who ends one
 * and no request meets a closing socket. Google's load balancers advise 620 s for the same reason.
 */
const KEEP_ALIVE_MS = 620_000;

/**
 * Serves every registered function on one port: `/{function}/rest` reaches the function as `/rest`,
 * through the functions framework's own middleware. All named functions must be registered with
 * @google-cloud/functions-framework by now.
 */
export function createFunctionServer(functions: Readonly<Record<string, ServedFunction>>): Server {
  const servers = new Map(
    Object.entries(functions).map(([name, { timeoutSeconds }]) => [
      name,
      { server: getTestServer(name), timeoutMs: timeoutSeconds * 1000 },
    ]),
  );
  const server = createServer((request, response) => {
    const { name, rest } = splitPath(request.url ?? "/");
    const served = servers.get(name);
    if (served === undefined) {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" });
      response.end(`There is no function "${name}" here.\n`);
      return;
    }
    request.url = rest;
    limitTime(served.timeoutMs, response);
    served.server.emit("request", request, response);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** "/api/v1/apps?x=1" → api and "/v1/apps?x=1". */
export function splitPath(url: string): { name: string; rest: string } {
  const match = /^\/([^/?]*)([^?]*)(\?.*)?$/s.exec(url);
  const [, name = "", path = "", query = ""] = match ?? [];
  return { name, rest: `${path === "" ? "/" : path}${query}` };
}

/**
 * Ends an answer that takes longer than the function may. As on Cloud Run the code itself runs on;
 * only the caller hears of it.
 */
function limitTime(timeoutMs: number, response: ServerResponse<IncomingMessage>): void {
  const timer = setTimeout(() => {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.writeHead(504, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end("The function took longer than its timeoutSeconds.\n");
  }, timeoutMs);
  response.once("close", () => clearTimeout(timer));
}

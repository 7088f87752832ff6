import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import type { CloudFunction } from "../../functions/runtime/function.ts";
import { takeOverRequests } from "../../functions/runtime/incoming.ts";

/** Where a listening server is reached. */
export const addressOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** The servers in front of functions; the emulators' servers in this process are left alone. */
const fronts = new WeakSet<Server>();

/** A server in front of functions, on a free port. */
export async function listen(): Promise<Server> {
  takeOverRequests((server) => fronts.has(server));
  const server = createServer();
  fronts.add(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Sends `/{function}/…` through the functions framework to this system's function. */
export function dispatch(front: Server, id: string, functions: readonly CloudFunction[]): void {
  const servers = new Map(functions.map(({ name }) => [name, getTestServer(`${name}-${id}`)]));
  front.on("request", (request, response) => {
    const [, name = "", rest = "/"] = /^\/([^/?]*)(.*)$/.exec(request.url ?? "") ?? [];
    const server = servers.get(name);
    if (server === undefined) {
      response.writeHead(404).end();
      return;
    }
    request.url = rest === "" ? "/" : rest;
    server.emit("request", request, response);
  });
}

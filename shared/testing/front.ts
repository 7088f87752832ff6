import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { readHostingRules } from "../../emulators/local/hosting/rewrites.ts";
import type { CloudFunction } from "../../functions/runtime/function.ts";
import { takeOverRequests } from "../../functions/runtime/incoming.ts";
import { seededRandom } from "./seeded-random.ts";

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

const { functionFor } = readHostingRules(JSON.parse(readFileSync("firebase.json", "utf8")));

/** Which of several instances takes a request; the same in each run, as far as requests come the same way. */
const SEED = 20_261_129;

/** Where the requests to a system go. */
export interface Dispatch {
  /** While it is true all go to the first instance of each function. */
  isToOne: boolean;
}

/**
 * Sends `/{function}/…` through the functions framework to this system's function, to one of its instances by
 * chance; `/api/…` is the public address, of which some paths are another function's.
 */
export function dispatch(
  front: Server,
  ids: readonly string[],
  functions: readonly CloudFunction[],
): Dispatch {
  const state: Dispatch = { isToOne: false };
  const servers = new Map(
    functions.map(({ name }) => [name, ids.map((id) => getTestServer(`${name}-${id}`))]),
  );
  const random = seededRandom(SEED);
  front.on("request", (request, response) => {
    const [, name = "", rest = "/"] = /^\/([^/?]*)(.*)$/.exec(request.url ?? "") ?? [];
    const path = rest.replace(/\?.*$/s, "");
    const instances = servers.get(name === "api" ? (functionFor(path) ?? name) : name) ?? [];
    const server = instances[state.isToOne ? 0 : Math.floor(random() * instances.length)];
    if (server === undefined) {
      response.writeHead(404).end();
      return;
    }
    request.url = rest === "" ? "/" : rest;
    server.emit("request", request, response);
  });
  return state;
}

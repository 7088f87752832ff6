import type { IncomingMessage, ServerResponse } from "node:http";
import type { Client } from "@grpc/grpc-js";
import { serveRest } from "../kernel/rest.ts";
import type { RequestListener } from "../loopback.ts";
import { loadReadableProtos } from "./protos.ts";

/** What test suites call between their tests to start from nothing. */
const CLEAR = /^\/emulator\/v1\/(projects\/[^/]+\/databases\/[^/]+)\/documents\/?$/;

/**
 * HTTP/1.1 on the port of gRPC: the REST API (v1), and what Google's own emulator adds for tests.
 * `clear` deletes all documents of a database.
 */
export function firestoreHttp(clear: (database: string) => Promise<void>, client: Client): RequestListener {
  const rest = serveRest(
    [{ proto: "google.firestore.v1.Firestore", root: loadReadableProtos(), accepts }],
    client,
  );
  return (request, response) => {
    if (!isFromHere(request)) return refuse(response, 403, "PERMISSION_DENIED", "Only for this machine.");
    allowPage(request, response);
    if (request.method === "OPTIONS") return answer(response, 204, "", "text/plain");
    const path = decodeURIComponent((request.url ?? "/").split("?")[0] as string);
    if (path === "/") return answer(response, 200, "Ok\n", "text/plain");
    if (!path.startsWith("/emulator/")) return rest(request, response);
    const database = request.method === "DELETE" ? CLEAR.exec(path)?.[1] : undefined;
    if (database === undefined) return refuse(response, 501, "UNIMPLEMENTED", "See the README.");
    clear(database).then(
      () => answer(response, 200, "{}", "application/json"),
      (cause: unknown) => refuse(response, 500, "INTERNAL", String(cause)),
    );
  };
}

const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether the request comes from a program or a page of this machine. Nothing is asked of a caller here, so
 * another site's page must not be able to read or write, neither from its own name nor under one that
 * it made to point here.
 */
function isFromHere({ headers }: IncomingMessage): boolean {
  const names = [`http://${headers.host}`, headers.origin ?? "http://localhost"];
  return names.every((name) => URL.canParse(name) && HERE.has(new URL(name).hostname));
}

function allowPage({ headers }: IncomingMessage, response: ServerResponse): void {
  if (headers.origin === undefined) return;
  response.setHeader("access-control-allow-origin", headers.origin);
  response.setHeader("access-control-allow-methods", "GET, POST, PATCH, DELETE");
  response.setHeader("access-control-allow-headers", headers["access-control-request-headers"] ?? "*");
  response.setHeader("vary", "Origin");
}

/** `GET …/documents/a/b` is a document, `GET …/documents/a` the list of a collection. */
function accepts(rpc: string, variables: Readonly<Record<string, string>>): boolean {
  const place =
    rpc === "GetDocument" ? variables.name : rpc === "ListDocuments" ? variables.parent : undefined;
  // Five segments lead to "documents", and a pair to each document.
  return place === undefined || place.split("/").length % 2 === 1;
}

function answer(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { "content-type": type });
  response.end(body);
}

function refuse(response: ServerResponse, code: number, status: string, message: string): void {
  answer(response, code, JSON.stringify({ error: { code, message, status } }), "application/json");
}

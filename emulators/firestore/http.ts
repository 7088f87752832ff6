import type { ServerResponse } from "node:http";
import type { Client } from "@grpc/grpc-js";
import { ownMachineOnly } from "../kernel/own-machine.ts";
import { serveRest } from "../kernel/rest.ts";
import type { RequestListener } from "../kernel/loopback.ts";
import { loadReadableProtos } from "./protos.ts";

/** The path that test suites call between their tests to delete all documents. */
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
  return ownMachineOnly((request, response) => {
    const path = (request.url ?? "/").split("?")[0] as string;
    if (!path.startsWith("/emulator/")) return rest(request, response);
    const database = request.method === "DELETE" ? CLEAR.exec(plain(path))?.[1] : undefined;
    if (database === undefined) return refuse(response, 501, "UNIMPLEMENTED", "See the README.");
    clear(database).then(
      () => answer(response, 200, "{}", "application/json"),
      (cause: unknown) => refuse(response, 500, "INTERNAL", String(cause)),
    );
  });
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

/**
 * Clients write the parentheses of "(default)" as they are or encoded; what can't be decoded names nothing.
 */
function plain(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}

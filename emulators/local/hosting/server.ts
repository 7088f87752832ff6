import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RequestListener } from "../../kernel/loopback.ts";
import { sendProblem } from "./problem.ts";
import { badGateway, createProxy, endToEnd } from "./proxy.ts";
import type { HostingRules } from "./rewrites.ts";
import { openStaticFiles, type StaticFile } from "./static-files.ts";
import { type ModuleFolder, openTypedModules } from "./typed-modules.ts";

export interface HostingOptions {
  readonly rules: HostingRules;
  /** The folder of static files. */
  readonly publicFolder: string;
  /** Further folders, each with the path below which its files and modules are served. */
  readonly folders?: readonly ModuleFolder[];
  /** Packages that modules import, by the paths at which they are served. */
  readonly packages?: ReadonlyMap<string, string>;
  /** Where the functions are served as `/{function}/…`; undefined while they are down. */
  functionsPort(): number | undefined;
  /** How long a function may take. */
  timeoutMsOf?(name: string): number;
  /** Where the control API is, for the page; known once its port is open. */
  controlUrl(): string;
  /** Where the page loads files from, and uploads them to. */
  storageUrl(): string;
  /** The path of the module that the suite adds to the page; see page/frame/suite.ts. */
  readonly suiteModule?: string;
}

export interface Hosting {
  readonly listener: RequestListener;
  /** Drops the connections to the functions. */
  close(): void;
}

/**
 * Firebase Hosting ends a rewritten request after a minute, streams included. The load balancer that clients
 * reach the functions by in the cloud lets those take longer that may.
 */
const REWRITE_MS_MAX = 60_000;

/** The only cookie that Firebase Hosting lets through to a function. */
const FUNCTION_COOKIE = "__session";

/**
 * Firebase Hosting's part: static files first, then the rewrites to functions, then 404. It is a
 * listener and not a server, because the console's port serves the same site.
 */
export function createHosting(options: HostingOptions): Hosting {
  const readStatic = openSite(options);
  const proxy = createProxy();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = request.url ?? "/";
    const path = url.replace(/\?.*$/s, "");
    if (path === "/__/suite.json") {
      return sendJson(response, { control: options.controlUrl(), module: options.suiteModule });
    }
    const file = await readStatic(path);
    if (file !== undefined) return sendFile(request, response, file, options);
    const name = options.rules.functionFor(path);
    if (name === undefined) return notFound(response);
    const port = options.functionsPort();
    if (port === undefined) return badGateway(response);
    proxy.forward(request, response, {
      port,
      path: `/${name}${url}`,
      headers: forwardedHeaders(request, port),
      timeoutMs: Math.max(REWRITE_MS_MAX, options.timeoutMsOf?.(name) ?? 0),
    });
  };

  return {
    listener: (request, response) => {
      serve(request, response).catch((cause: unknown) => {
        console.error(cause);
        sendProblem(response, {
          status: 500,
          code: "hosting_failed",
          title: "Internal Server Error",
          detail: "The hosting emulator failed; its output says how.",
        });
      });
    },
    close: () => proxy.close(),
  };
}

/** Reads the site's files: those of the public folder, and those of the other folders below their paths. */
function openSite({
  publicFolder,
  folders = [],
  packages,
}: HostingOptions): ReturnType<typeof openStaticFiles> {
  // Every path begins with the public folder's, so the others come first.
  const all = [...folders, { path: "/", folder: publicFolder }];
  const readModule = openTypedModules(all, packages);
  const readers = all.map(({ path, folder }) => ({ prefix: path, read: openStaticFiles(folder) }));
  return async (path) => {
    const module = await readModule(path);
    if (module !== undefined) return module;
    for (const { prefix, read } of readers) {
      const file = path.startsWith(prefix) ? await read(path.slice(prefix.length - 1)) : undefined;
      if (file !== undefined) return file;
    }
    return undefined;
  };
}

/** The function sees its own host, and in x-forwarded-* the caller's view. */
function forwardedHeaders(request: IncomingMessage, port: number): OutgoingHttpHeaders {
  const headers = endToEnd(request.headers);
  const { host = "", cookie } = request.headers;
  const session = cookie?.split(/;\s*/).filter((pair) => pair.startsWith(`${FUNCTION_COOKIE}=`)) ?? [];
  delete headers.cookie;
  if (session.length > 0) headers.cookie = session.join("; ");
  const before = request.headers["x-forwarded-for"];
  const client = request.socket.remoteAddress ?? "";
  headers.host = `127.0.0.1:${port}`;
  headers["x-forwarded-for"] = before === undefined ? client : `${String(before)}, ${client}`;
  headers["x-forwarded-host"] = host;
  headers["x-forwarded-proto"] = "http";
  return headers;
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: StaticFile,
  options: Pick<HostingOptions, "controlUrl" | "storageUrl">,
): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    sendProblem(response, {
      status: 405,
      code: "method_not_allowed",
      title: "Method Not Allowed",
      detail: "A file can only be read.",
    });
    return;
  }
  const headers: OutgoingHttpHeaders = {
    etag: file.etag,
    // The page is being worked on: ask each time, and be told "unchanged" when it is.
    "cache-control": "no-cache",
    "content-type": file.type,
    "content-security-policy": contentSecurityPolicy(options),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  const known = request.headers["if-none-match"]?.split(/,\s*/) ?? [];
  if (known.some((tag) => tag === "*" || tag.replace(/^W\//, "") === file.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, "content-length": file.content.length });
  response.end(request.method === "HEAD" ? undefined : file.content);
}

/** Everything from here and nothing from elsewhere, but the control API and people's files. */
function contentSecurityPolicy(options: Pick<HostingOptions, "controlUrl" | "storageUrl">): string {
  const storageUrl = options.storageUrl();
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data: ${storageUrl}`,
    `media-src ${storageUrl}`,
    `connect-src 'self' ${options.controlUrl()} ${storageUrl}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

function notFound(response: ServerResponse): void {
  sendProblem(response, {
    status: 404,
    code: "not_found",
    title: "Not Found",
    detail: "There is no such page, and no rewrite for this path.",
  });
}

import { subscribe } from "node:diagnostics_channel";
import domain from "node:domain";
import type { IncomingMessage, Server } from "node:http";

/**
 * The functions framework reads and parses every body before our code runs, up to 1 GiB, and answers
 * malformed ones with HTML. Node announces each request on a diagnostics channel before any listener
 * sees it; there we take away the two headers by which the framework knows of a body, so that it
 * leaves the body alone and our own code reads it with our limits and answers in our format.
 */
const bodies = new WeakMap<IncomingMessage, AnnouncedBody>();
const servers = new Set<Server>();

export interface AnnouncedBody {
  /** Undefined when the length is not known beforehand (chunked). */
  readonly length: number | undefined;
}

let subscribed = false;

/**
 * Takes over the requests that this process receives from now on, of all servers or those that the
 * predicate names. Only the first call has an effect.
 */
export function takeOverRequests(isOurs: (server: Server) => boolean = () => true): void {
  if (subscribed) return;
  subscribed = true;
  avoidDomains();
  subscribe("http.server.request.start", (message) => {
    const { request, server } = message as { request: IncomingMessage; server: Server };
    if (!isOurs(server)) return;
    servers.add(server);
    const { headers } = request;
    const length = headers["content-length"];
    if (length !== undefined || headers["transfer-encoding"] !== undefined) {
      bodies.set(request, { length: length === undefined ? undefined : Number(length) });
      delete headers["content-length"];
      delete headers["transfer-encoding"];
    }
    // The framework's router fails with HTML on an address that does not decode; escaped, it is one that we
    // do not know.
    if (request.url !== undefined && !decodes(request.url)) request.url = request.url.replaceAll("%", "%25");
  });
}

/**
 * The framework runs each call in a domain, and the first domain makes Node follow every promise of the
 * process from its making to its collection: measured at more than a third of an append's processor time.
 * Our handlers always reply and never throw, so the framework gets domains that do nothing.
 */
function avoidDomains(): void {
  const inert = { on: () => inert, run: (work: () => void) => work() };
  domain.create = () => inert as unknown as domain.Domain;
}

/** The body that a request announced; undefined when it has none. */
export const announcedBody = (request: IncomingMessage): AnnouncedBody | undefined => bodies.get(request);

/** The servers that have received requests here: the framework does not hand out the one it makes. */
export const servingServers = (): readonly Server[] => [...servers];

function decodes(url: string): boolean {
  try {
    decodeURIComponent(url.split("?", 1)[0] ?? "");
    return true;
  } catch {
    return false;
  }
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as NetServer } from "node:net";

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

export interface LoopbackServer {
  readonly port: number;
  /** Stops accepting, lets answers that have begun finish for `graceMs`, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

/** IPv6 switched off is no reason not to serve on IPv4. */
const NO_IPV6 = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"]);

/**
 * Serves on 127.0.0.1 and, where the machine has it, on ::1: browsers try either for "localhost".
 * Port 0 takes any free port.
 */
export async function serveLoopback(port: number, listener: RequestListener): Promise<LoopbackServer> {
  const four = createServer(listener);
  const bound = await listen(four, port, "127.0.0.1");
  const servers = [four];
  const six = createServer(listener);
  try {
    await listen(six, bound, "::1");
    servers.push(six);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    // A port that the system chose on IPv4 may be taken on IPv6; one that was asked for may not.
    if (!NO_IPV6.has(code) && !(port === 0 && code === "EADDRINUSE")) {
      four.close();
      throw cause;
    }
  }
  return {
    port: bound,
    close: async (graceMs = 0) => {
      await Promise.all(servers.map((server) => closeServer(server, graceMs)));
    },
  };
}

/** Listens and resolves with the port. */
export function listen(server: NetServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** A connection that has just become idle is closed this soon while its server is closing. */
const IDLE_LOOK_MS = 20;

/**
 * Closes a server: idle connections at once, busy ones when their answer is done or `graceMs` is
 * over. Node itself would keep those that become idle meanwhile for the keep-alive time.
 */
export function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    const look = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(look);
      resolve();
    });
  });
}

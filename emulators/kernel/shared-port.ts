import { createServer as createHttpServer } from "node:http";
import { createServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { listen, type RequestListener } from "./loopback.ts";

/** How every HTTP/2 connection without TLS begins, and no HTTP/1.1 request does. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2");

export interface SharedPort {
  readonly port: number;
  close(): void;
}

/** Serves gRPC and HTTP/1.1 on one port of the loopback interface, told apart by their first bytes. */
export async function sharePort(port: number, grpc: Server, http: RequestListener): Promise<SharedPort> {
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const httpServer = createHttpServer(http);
  const sockets = new Set<Socket>();
  // Without `noDelay`, an answer in two parts waits 40 ms for the acknowledgement of the first.
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A connection that breaks before its first byte is ignored.
    socket.on("error", () => socket.destroy());
    whenSpeaking(socket, (isHttp2) => {
      if (isHttp2) injector.injectConnection(socket);
      else httpServer.emit("connection", socket);
    });
  });
  const bound = await listen(server, port, "127.0.0.1");
  return {
    port: bound,
    close() {
      server.close();
      injector.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Looks at the first bytes and puts them back. */
function whenSpeaking(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) seen = Buffer.concat([seen, chunk]);
    const known = Math.min(seen.length, HTTP2_PREFACE.length);
    const mayBeHttp2 = seen.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known));
    if (known === 0 || (mayBeHttp2 && known < HTTP2_PREFACE.length)) return;
    socket.removeListener("readable", look);
    socket.unshift(seen);
    decide(mayBeHttp2);
  };
  socket.on("readable", look);
}

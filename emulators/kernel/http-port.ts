import { type LoopbackServer, type RequestListener, serveLoopback } from "./loopback.ts";

export interface HttpService {
  readonly listener: RequestListener;
  /** Which requests are this service's; absent: all that no other service accepts. */
  readonly accepts?: (method: string, url: string) => boolean;
}

/** A port of the loopback interface that several services may share. */
export interface HttpPort extends LoopbackServer {
  add(service: HttpService): void;
}

/** Listens on the port (0: any free one). Requests that belong to no service are answered with 501. */
export async function openHttpPort(port: number): Promise<HttpPort> {
  const services: HttpService[] = [];
  const server = await serveLoopback(port, (request, response) => {
    const { method = "", url = "" } = request;
    const service =
      services.find(({ accepts }) => accepts?.(method, url) === true) ??
      services.find(({ accepts }) => accepts === undefined);
    if (service !== undefined) return service.listener(request, response);
    response.writeHead(501, { "content-type": "application/problem+json" });
    response.end(
      JSON.stringify({
        status: 501,
        title: "Not Implemented",
        detail: "No emulator here serves this request.",
      }),
    );
  });
  return { ...server, add: (service) => void services.push(service) };
}

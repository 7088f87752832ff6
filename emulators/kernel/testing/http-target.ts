import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The status to answer with, or a function that writes the response itself. */
export type Answer = number | ((request: ReceivedRequest, response: ServerResponse) => void);

export interface HttpTarget extends AsyncDisposable {
  readonly url: string;
  /** All requests so far, in the order of their arrival. */
  readonly received: ReceivedRequest[];
  /** How to answer from now on. At first: 200. */
  answer(answer: Answer): void;
  /** Resolves once so many requests have arrived in all. */
  arrived(count: number): Promise<ReceivedRequest[]>;
}

/** An HTTP server for the tests of what delivers over HTTP. */
export async function startHttpTarget(): Promise<HttpTarget> {
  const received: ReceivedRequest[] = [];
  let answer: Answer = 200;
  let waiting: { readonly count: number; readonly wake: () => void }[] = [];

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = incoming;
    const request = { method, path: url, headers, body: Buffer.concat(chunks) };
    received.push(request);
    if (typeof answer === "number") response.writeHead(answer).end();
    else answer(request, response);
    for (const { count, wake } of waiting) if (received.length >= count) wake();
    waiting = waiting.filter(({ count }) => received.length < count);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer(next) {
      answer = next;
    },
    async arrived(count) {
      if (received.length < count) await new Promise<void>((wake) => waiting.push({ count, wake }));
      return received;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

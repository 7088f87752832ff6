import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Turn } from "../platform/models/contract.ts";
import type { ProviderStream } from "./provider-streams.ts";

/** What a provider was asked. */
export interface ProviderCall {
  readonly model: string;
  readonly messages: readonly Turn[];
  readonly body: Readonly<Record<string, unknown>>;
  readonly atMs: number;
  /** Resolves when the caller hangs up or has all. */
  readonly closed: Promise<void>;
}

export type Answering = (call: ProviderCall, response: ServerResponse) => void;

/** A provider of models that a test plays: it answers as it is told, and remembers its calls. */
export interface OwnProvider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly calls: ProviderCall[];
  callsTo(model: string): readonly ProviderCall[];
  /** How calls are answered from now on. */
  answer(answering: Answering): void;
}

export async function startProvider(): Promise<OwnProvider> {
  const calls: ProviderCall[] = [];
  let answering: Answering = (_, response) => response.end(sse(word("Hello"), ENDED));
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    request.on("data", (bytes: Buffer) => (text += bytes.toString()));
    request.on("end", () => {
      const body = JSON.parse(text) as Record<string, unknown>;
      const closed = new Promise<void>((resolve) => response.on("close", resolve));
      const messages = body["messages"] as Turn[];
      const call = { model: String(body["model"]), messages, body, atMs: Date.now(), closed };
      calls.push(call);
      answering(call, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    callsTo: (model) => calls.filter((call) => call.model === model),
    answer: (next) => void (answering = next),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Plays a stream of the corpus, part by part. */
export function playStream(
  { status = 200, headers, body, breaks }: ProviderStream,
  response: ServerResponse,
): void {
  response.writeHead(status, { "content-type": "text/event-stream", ...headers });
  response.flushHeaders();
  const parts = [...body];
  const next = (): void => {
    const part = parts.shift();
    if (part !== undefined) response.write(part, () => setImmediate(next));
    else if (breaks) response.destroy();
    else response.end();
  };
  next();
}

export const sse = (...values: readonly unknown[]): string =>
  values.map((value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`).join("");
export const word = (content: string): object => ({ choices: [{ index: 0, delta: { content } }] });
export const thought = (text: string): object => ({
  choices: [{ index: 0, delta: { reasoning_content: text } }],
});
export const ENDED = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

export const refuse = (
  response: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void => void response.writeHead(status, headers).end(JSON.stringify({ error: { message } }));

import { Agent, request } from "node:http";
import { type ApiClient, createApiClient } from "../../shared/testing/api-client.ts";
import { type LocalSuite, signInOn, untilHandled } from "../local-suite.ts";

/** One kind of request, ready to be made again and again. */
export interface Operation {
  readonly name: string;
  /** How many are under way at once. */
  readonly atOnce: number;
  /** Resolves when the reply has ended, or has said what it was asked for. */
  run(index: number): Promise<void>;
}

const TEXT = "A message of about the usual length, as people write them.";
const CHATS = 64;
/** Messages in the chat that is read. */
const HISTORY = 1_000;
const AT_ONCE = 16;
/** Answers and streams take longer, so more of them are under way. */
const LONG_AT_ONCE = 32;
const APP = "/v1/apps/demo";

export const OPERATIONS = ["page", "older", "append", "chat", "search", "answer", "stream"] as const;
export type OperationName = (typeof OPERATIONS)[number];

const agent = new Agent({ keepAlive: true, maxSockets: 128 });

interface Sent {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Ends the reply when it has come so far. */
  readonly until?: string;
}

/** Node's own client, since it shares the machine with what it measures. Rejects on anything but success. */
function send(url: URL, token: string, { method = "GET", headers, body, until }: Sent = {}): Promise<void> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const sentHeaders = {
    authorization: `Bearer ${token}`,
    ...(payload === undefined ? {} : { "content-type": "application/json" }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers: sentHeaders }, (response) => {
      if ((response.statusCode ?? 500) >= 400) reject(new Error(`${url.pathname}: ${response.statusCode}`));
      response.once("close", resolve).once("error", reject);
      if (until === undefined) return void response.resume();
      response.on("data", (chunk: Buffer) => {
        if (chunk.includes(until)) response.destroy();
      });
    });
    sent.on("error", reject).end(payload);
  });
}

/** Fills chats, waits for the background to handle them and makes the operations of these names. */
export async function prepare(suite: LocalSuite, names: readonly OperationName[]): Promise<Operation[]> {
  const token = await signInOn(suite, "profile@bench.test");
  const api = createApiClient(suite.direct, { authorization: `Bearer ${token}` });
  const control = createApiClient(suite.consoleUrl, {});
  await control.post("/control/model", { firstTokenMs: 1, tokensPerSecond: 10_000 });
  const chats = await chatsWith(api, { kind: "group" }, CHATS);
  const assistants = names.includes("answer") ? await chatsWith(api, { kind: "assistant" }, CHATS) : [];
  // Nobody writes there while the background is held.
  const [read = 0, ...written] = chats;
  for (let sent = 0; sent < HISTORY; sent += AT_ONCE) {
    const posts = Array.from({ length: AT_ONCE }, () => api.post(messages(read), { text: TEXT }));
    await Promise.all(posts);
  }
  await untilHandled(control);
  await holdBackground(control);
  const at = (path: string, base = suite.direct): URL => new URL(`${base}${path}`);
  const all: Readonly<Record<OperationName, Operation["run"]>> = {
    page: () => send(at(messages(read)), token),
    older: (index) => send(at(`${messages(read)}?before=${1 + ((index * 7919) % HISTORY)}`), token),
    append: (index) =>
      send(at(messages(written[index % written.length])), token, {
        method: "POST",
        headers: { "idempotency-key": `profile-${process.pid}-${performance.now()}-${index}` },
        body: { text: TEXT },
      }),
    chat: () => send(at(`${APP}/chats/${read}`), token),
    search: () => send(at(`${APP}/search?q=usual%20length`), token),
    answer: (index) =>
      send(at(messages(assistants[index % CHATS])), token, {
        method: "POST",
        headers: { accept: "text/event-stream" },
        body: { text: "What is the capital of France?" },
      }),
    stream: (index) =>
      send(at(`${APP}/chats/${chats[index % CHATS]}/events`, suite.direct.replace(/api$/, "live")), token, {
        // Where to resume from, which comes before anything else.
        until: "\n\n",
      }),
  };
  return names.map((name) => ({
    name,
    run: all[name],
    atOnce: name === "answer" || name === "stream" ? LONG_AT_ONCE : AT_ONCE,
  }));
}

const messages = (chat: number | undefined): string => `${APP}/chats/${chat}/messages`;

async function chatsWith(api: ApiClient, body: object, count: number): Promise<number[]> {
  const chats: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { body: chat } = await api.post(`${APP}/chats`, body);
    chats.push(Number(chat.number));
    await api.post(messages(chats.at(-1)), { text: TEXT });
  }
  return chats;
}

/** In the cloud the background has machines of its own; here it would be measured along. */
async function holdBackground(control: ApiClient): Promise<void> {
  await control.post("/control/faults", { service: "pubsub", method: "Push", kind: "hang", count: 1e9 });
}

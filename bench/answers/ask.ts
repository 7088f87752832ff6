import type { Message } from "../../shared/chat/contract.ts";
import { type ApiClient, createApiClient } from "../../shared/testing/api-client.ts";
import { EventStream, type SseEvent } from "../../shared/testing/event-stream.ts";
import type { LocalSuite } from "../local-suite.ts";

/** How the words of an answer reach who asked: by the request itself, or by a task and the chat's stream. */
export type Way = "inline" | "by task";

/** A question under way, once its first word has come. */
export interface Answering extends AsyncDisposable {
  readonly chat: number;
  /** From asking to the first word. */
  readonly firstMs: number;
  /** Of the request that asked. */
  readonly requestId: string;
  /** Resolves with the finished answer, and how long it took from asking. */
  readonly done: Promise<{ readonly message: Message; readonly ms: number }>;
}

export interface Asker {
  /** Asks in a chat of its own, so that no history makes the questions unequal. */
  ask(text: string, way: Way): Promise<Answering>;
  /** Sets how models behave. */
  setModel(change: object): Promise<void>;
  /** What the request has cost so far, with all that it caused. */
  costOf(requestId: string): Promise<{ readonly writes: number; readonly reads: number }>;
  /** In how many pieces an answer was kept while it came. */
  segmentsOf(chat: number, id: string): Promise<number>;
  readonly api: ApiClient;
}

const chats = "/v1/apps/demo/chats";

const isWord = ({ event }: SseEvent): boolean => event === "answer.delta" || event === "answer.done";
const isDone = ({ event }: SseEvent): boolean => event === "answer.done";

export function createAsker(suite: LocalSuite, token: string): Asker {
  const headers = { authorization: `Bearer ${token}` };
  const api = createApiClient(suite.api, headers);
  const control = createApiClient(suite.consoleUrl, {});

  const inline = async (chat: number, text: string): Promise<Answering> => {
    const startedMs = performance.now();
    const stream = await EventStream.open(
      `${suite.api}${chats}/${chat}/messages`,
      undefined,
      { ...headers, accept: "text/event-stream", "content-type": "application/json" },
      { method: "POST", body: JSON.stringify({ text }) },
    );
    return answering(chat, stream, startedMs, stream.headers.get("x-request-id") ?? "");
  };

  const byTask = async (chat: number, text: string): Promise<Answering> => {
    const stream = await EventStream.open(`${suite.api}${chats}/${chat}/events`, undefined, headers);
    await stream.reached;
    const startedMs = performance.now();
    const { headers: answered } = await api.post(`${chats}/${chat}/messages`, { text });
    return answering(chat, stream, startedMs, answered.get("x-request-id") ?? "");
  };

  return {
    api,
    async ask(text, way) {
      const { body } = await api.post(chats, { kind: "assistant" });
      return way === "inline" ? inline(body.number, text) : byTask(body.number, text);
    },
    async setModel(change) {
      const { status } = await control.post("/control/model", change);
      if (status >= 300) throw new Error(`The model can't be set: ${status}.`);
    },
    async costOf(requestId) {
      const { body } = await control.get(`/control/meter?requestId=${encodeURIComponent(requestId)}`);
      return { writes: body.billed.writes, reads: body.billed.reads };
    },
    async segmentsOf(chat, id) {
      const path = `apps/demo/chats/${chat}/messages/${id}/segments`;
      const { body } = await control.get(`/control/firestore?limit=100&path=${encodeURIComponent(path)}`);
      return body.documents.length;
    },
  };
}

async function answering(
  chat: number,
  stream: EventStream,
  startedMs: number,
  requestId: string,
): Promise<Answering> {
  await stream.until((events) => events.some(isWord));
  const firstMs = performance.now() - startedMs;
  const end = async (): Promise<{ message: Message; ms: number }> => {
    const events = await stream.until((all) => all.some(isDone));
    return { message: events.find(isDone)?.data.message, ms: performance.now() - startedMs };
  };
  return {
    chat,
    firstMs,
    requestId,
    done: end(),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

/** The same question to the model itself, past all of ours: from asking to the first word. */
export async function askModel(modelUrl: string, text: string): Promise<number> {
  const startedMs = performance.now();
  const response = await fetch(`${modelUrl}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer bench", "content-type": "application/json" },
    body: JSON.stringify({
      model: "emulated-small",
      stream: true,
      messages: [{ role: "user", content: text }],
    }),
  });
  let firstMs = Number.NaN;
  let said = "";
  for await (const chunk of response.body ?? []) {
    said += Buffer.from(chunk).toString();
    if (Number.isNaN(firstMs) && /"content":"[^"]/.test(said)) firstMs = performance.now() - startedMs;
  }
  return firstMs;
}

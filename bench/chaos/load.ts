import type { ApiReply, ApiClient } from "../../shared/testing/api-client.ts";

/** What was acknowledged: by chat, the number that each text was given. */
export type Acknowledged = Map<number, Map<string, number>>;

export interface Load {
  readonly acknowledged: Acknowledged;
  /** Texts that were edited or deleted since, or may have been. */
  readonly changed: Set<string>;
  readonly requests: () => number;
  /** Begins nothing more, and resolves when everything that was begun has been answered. */
  stop(): Promise<void>;
}

const CHATS = "/v1/apps/demo/chats";
/** How often one request is tried: with the pauses between them longer than any fault lasts. */
const TRIES_MAX = 60;
const ACTORS = 8;

/**
 * Actors that write, ask, edit, delete, react and search, each one thing after another. Whatever is not
 * acknowledged is asked for again under the same key, by any of the instances, as clients do.
 */
export async function beginLoad(clients: () => readonly ApiClient[], random: () => number): Promise<Load> {
  const acknowledged: Acknowledged = new Map();
  const changed = new Set<string>();
  const over = new AbortController();
  let requests = 0;
  let keys = 0;

  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

  /** Until it has an answer that stands. */
  const insist = async (send: (client: ApiClient) => Promise<ApiReply>): Promise<ApiReply> => {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      requests += 1;
      const answer = await send(pick(clients())).catch(() => undefined);
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
        return answer;
      }
      await new Promise((resolve) => setTimeout(resolve, 20 + random() * 200));
    }
    throw new Error("A request was never answered.");
  };

  const newChat = async (kind: "group" | "assistant"): Promise<number> => {
    const headers = { "idempotency-key": `chat-${(keys += 1)}` };
    const { status, body } = await insist((client) => client.post(CHATS, { kind }, headers));
    if (status !== 201) throw new Error(`A chat was not created: ${status}.`);
    acknowledged.set(body.number, new Map());
    return body.number;
  };

  const say = async (chat: number, text: string): Promise<void> => {
    const headers = { "idempotency-key": `message-${(keys += 1)}` };
    const { status, body } = await insist((client) =>
      client.post(`${CHATS}/${chat}/messages`, { text }, headers),
    );
    if (status !== 201) throw new Error(`A message was refused: ${status} ${JSON.stringify(body)}`);
    acknowledged.get(chat)?.set(text, body.number);
  };

  const change = async (chat: number): Promise<void> => {
    const texts = [...(acknowledged.get(chat) ?? [])];
    if (texts.length === 0) return;
    const [text, number] = pick(texts);
    const path = `${CHATS}/${chat}/messages/${number}`;
    changed.add(text);
    const dice = random();
    if (dice < 0.4) await insist((client) => client.patch(path, { text: `${text} edited` }));
    else if (dice < 0.6) await insist((client) => client.delete(path));
    else await insist((client) => client.put(`${path}/reactions/${encodeURIComponent("👍")}`));
  };

  const groups = await Promise.all([1, 2, 3].map(() => newChat("group")));
  const assistants = await Promise.all([1, 2, 3].map(() => newChat("assistant")));
  let said = 0;
  const act = async (): Promise<void> => {
    const dice = random();
    if (dice < 0.5) await say(pick(groups), `message ${(said += 1)} of the storm`);
    else if (dice < 0.7) await say(pick(assistants), `question ${(said += 1)}: write 20 words about storms`);
    else if (dice < 0.9) await change(pick(groups));
    else if (dice < 0.95) await insist((client) => client.get(`/v1/apps/demo/search?q=storm&limit=5`));
    else groups.push(await newChat("group"));
  };
  const actors = Array.from({ length: ACTORS }, async () => {
    while (!over.signal.aborted) await act();
  });
  // Told when the load is stopped, however early an actor has failed.
  const ended = Promise.allSettled(actors);
  return {
    acknowledged,
    changed,
    requests: () => requests,
    async stop() {
      over.abort();
      await ended;
      await Promise.all(actors);
    },
  };
}

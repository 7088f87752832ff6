import type { ApiClient } from "./api-client.ts";

/** Posts that are under way at once; those of one chat share commits. */
const AT_ONCE = 50;

/** Posts so many messages to a chat, as fast as it takes them. */
export async function writeHistory(
  api: ApiClient,
  chat: string,
  count: number,
  text: (at: number) => string = String,
): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, at) => from + at);
    const replies = await Promise.all(some.map((at) => api.post(`${chat}/messages`, { text: text(at) })));
    const refused = replies.find(({ status }) => status !== 201);
    if (refused !== undefined) throw new Error(`A message was refused: ${refused.status}.`);
  }
}

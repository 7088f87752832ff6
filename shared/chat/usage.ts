import { type ChatHandle } from "./chat-handle.ts";
import type { App } from "../identity/app.ts";
import type { DocumentReference } from "../platform/firestore.ts";
import { FieldValue } from "../platform/firestore-values.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { DayUsage } from "./contract.ts";

/** What an app uses on each day (UTC), as counters that any instance adds to. */

/** Fields that are merged into a document; numbers as increments. */
export interface Addition {
  readonly ref: DocumentReference;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What is counted of a day. */
export type Counted = Omit<DayUsage, "day">;

/** Usage documents of a day and app, over which busy apps spread their counting. */
export const USAGE_SHARDS = 16;

/** What has been used in a chat, to be added to the app's usage of a day (`YYYY-MM-DD`, UTC). */
export function usageAddition(chat: ChatHandle, day: string, counted: Partial<Counted>): Addition {
  const more = Object.entries(counted).filter(([, count]) => count > 0);
  const increments = Object.fromEntries(more.map(([name, count]) => [name, FieldValue.increment(count)]));
  return {
    ref: chat.app.collection("usage").doc(`${day}.${chat.number % USAGE_SHARDS}`),
    fields: { day, ...increments },
  };
}

/** One query. Days in order, with what was written and answered on each. */
export async function listUsage(app: App, from: string, to: string): Promise<DayUsage[]> {
  const query = app.collection("usage").where("day", ">=", from).where("day", "<=", to).orderBy("day");
  const found = await within(READ_MS_MAX, query.get());
  const days = new Map<string, Counted>();
  for (const document of found.docs) {
    const day = String(document.get("day"));
    const before = days.get(day);
    const sum = (name: keyof Counted): number => (before?.[name] ?? 0) + Number(document.get(name) ?? 0);
    days.set(day, {
      messages: sum("messages"),
      answers: sum("answers"),
      inputTokens: sum("inputTokens"),
      outputTokens: sum("outputTokens"),
      costMicros: sum("costMicros"),
    });
  }
  return [...days].map(([day, counted]) => ({ day, ...counted }));
}

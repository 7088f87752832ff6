import { filesLeft, type FoundWriter } from "./write-found.ts";

/** Chats that a dry run tells apart. */
const SOURCES_MAX = 100_000;

/** Counts what would be brought, and brings nothing. */
export function openCounter(): FoundWriter {
  const sources = new Set<string>();
  return {
    write(chats) {
      const before = sources.size;
      for (const { source } of chats) if (sources.size < SOURCES_MAX) sources.add(source);
      const messages = chats.reduce((sum, chat) => sum + chat.messages.length, 0);
      const left = chats.flatMap(filesLeft);
      return Promise.resolve({ chats: sources.size - before, messages, existing: 0, left });
    },
  };
}

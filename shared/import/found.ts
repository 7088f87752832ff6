import type { NewChat } from "../chat/contract.ts";

/** What holds in a chat besides its title. */
export type ChatSettings = Pick<NewChat, "tags" | "metadata" | "model" | "instructions" | "temperature">;

/**
 * What is found in an export of another product, in one form for all of them. Nothing here is trusted: texts
 * are as they were found, ids are anything.
 */
export interface FoundChat {
  /** The same conversation has the same in every export of its account. */
  readonly source: string;
  readonly title: string;
  readonly kind: "assistant" | "group";
  readonly createdMs?: number | undefined;
  readonly settings?: ChatSettings | undefined;
  /** Who was in it, besides whoever brings it. */
  readonly people?: readonly FoundAuthor[] | undefined;
  /** Parents before their children. */
  readonly messages: readonly FoundMessage[];
  /** The message at which it is to go on. */
  readonly tip?: string | undefined;
  /** These are all its messages; otherwise others may come later in the file. */
  readonly isWhole: boolean;
}

export interface FoundMessage {
  /** Unique in its chat, and the same in every export. */
  readonly id: string;
  /** The message before it; null at the beginning, undefined: whatever was found before it. */
  readonly parent?: string | null | undefined;
  readonly role: "user" | "assistant" | "system";
  readonly author: FoundAuthor;
  readonly text: string;
  readonly thinking?: string | undefined;
  readonly sentMs?: number | undefined;
  readonly files?: readonly FoundFile[] | undefined;
}

export type FoundAuthor =
  | { readonly self: true }
  | { readonly model: string }
  | { readonly name: string; readonly email?: string };

/** A file that the export may hold. */
export interface FoundFile {
  /** How names of it begin within the archive. */
  readonly key: string;
  readonly name: string;
}

/** What could not be kept. */
export interface Left {
  /** Where in the file it is: an entry of the archive, the number of a row. */
  readonly where: string;
  readonly what: "chat" | "message" | "file" | "row";
  readonly why: string;
}

export interface Found {
  readonly chats: readonly FoundChat[];
  readonly left: readonly Left[];
}

export const NOTHING_FOUND: Found = { chats: [], left: [] };

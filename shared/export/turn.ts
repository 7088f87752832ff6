import type { ExportContext } from "./export-context.ts";
import type { IndexRow } from "./html/index-page.ts";
import type { ArchiveWriter } from "./zip/archive-writer.ts";

/** What has gone into an archive so far. */
export interface Counts {
  chats: number;
  messages: number;
  files: number;
  lost: number;
  people: number;
}

/** Where a part of the archive is being written to. */
export interface Output {
  /** Its number, from 0 on. */
  readonly part: number;
  readonly writer: ArchiveWriter;
  readonly rows: IndexRow[];
  readonly counts: Counts;
}

/** A file of which a part has been written. */
export interface FilePlace {
  readonly generation: string;
  readonly size: number;
  readonly start: number;
}

/** Where an export goes on; each stage has its own places. */
export type Place =
  | { readonly stage: "account"; readonly list: number; readonly page: number; readonly cursor?: string }
  | { readonly stage: "people"; readonly page: number; readonly after?: string }
  | { readonly stage: "usage"; readonly year: number }
  | ChatsPlace
  | { readonly stage: "files"; readonly after?: string; readonly file?: FilePlace }
  | { readonly stage: "index"; readonly part: number; readonly page: number; readonly rows: number }
  | { readonly stage: "manifest" }
  | { readonly stage: "directory"; readonly part: number; readonly parts: number; readonly bytes: number }
  | { readonly stage: "join"; readonly level: number; readonly index: number; readonly count: number }
  | { readonly stage: "keep" };

export interface ChatsPlace {
  readonly stage: "chats";
  /** The last chat that is done. */
  readonly after: number | null;
  readonly chat?: ChatPlace;
}

export interface ChatPlace {
  readonly number: number;
  readonly title: string;
  /** The last message that there was when the chat's turn came. */
  readonly last: number;
  /** The message at which the next page begins. */
  readonly next: number;
  readonly page: number;
  /** Messages of the page before, whose files are being written. */
  readonly files?: {
    readonly from: number;
    readonly through: number;
    readonly message: number;
    readonly index: number;
    readonly file?: FilePlace;
  };
}

/**
 * Writes a little of the archive and says where to go on; `isPartDone`: what follows needs this part to be
 * kept.
 */
export type Turn<P extends Place> = (
  context: ExportContext,
  place: P,
  output: Output,
) => Promise<{ readonly place: Place; readonly isPartDone?: boolean }>;

/** JSON that people can read too. */
export const jsonBytes = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);

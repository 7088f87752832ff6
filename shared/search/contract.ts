import { z } from "zod";
import { TAG_CHARS_MAX } from "../chat/contract.ts";
import { Time } from "../platform/contract.ts";

/**
 * A query of more is no search: the longest word of a natural language has fewer, and a sentence fits twice.
 */
export const QUERY_CHARS_MAX = 500;
/** Each hit costs a read of its message, and at most one of its chat. */
export const SEARCH_LIMIT_MAX = 50;
export const SEARCH_LIMIT_DEFAULT = 20;

const TimeMs = Time.transform((value) => Date.parse(value));
const ChatNumber = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, "must be a chat's number")
  .transform(Number);

export const SearchQuery = z
  .strictObject({
    /**
     * Taken literally but for double quotes: what stands between them is looked for as it is, spaces
     * included.
     */
    q: z.string().max(QUERY_CHARS_MAX),
    chat: ChatNumber,
    from: TimeMs,
    to: TimeMs,
    tag: z.string().min(1).max(TAG_CHARS_MAX),
    /** A person's id, or a model's name. */
    sender: z.string().min(1).max(100),
    cursor: z.string().max(2000),
    limit: z.coerce.number().int().min(1).max(SEARCH_LIMIT_MAX).default(SEARCH_LIMIT_DEFAULT),
  })
  .partial({ chat: true, from: true, to: true, tag: true, sender: true, cursor: true });
export type SearchQuery = z.infer<typeof SearchQuery>;

/** A range of a text in UTF-16 units, as strings of JavaScript are counted; the end is not in it. */
export const Highlight = z.object({ start: z.number(), end: z.number() });
export type Highlight = z.infer<typeof Highlight>;

const Found = z.object({
  chat: z.number(),
  /** Comparable within one search only; hits with a misspelling lie below all others. */
  score: z.number(),
  /** Where in the message's text the words stand, in order; those in what it forwards are left out. */
  highlights: z.array(Highlight),
  /** The piece of the text around the first of them. */
  snippet: z.string(),
  /** Where it begins, in the text and what the message forwards behind it. */
  snippetStart: z.number(),
});

/** A message that was found, as the chats' contract has messages. */
export type Hit<Message> = Readonly<z.infer<typeof Found>> & { readonly message: Message };

const FoundPage = z.object({
  hasMore: z.boolean(),
  next: z.string().nullable(),
  prev: z.null(),
  /** There may be more: the index could not be asked, or is behind the messages. */
  partial: z.boolean(),
});

export type HitPage<Message> = Readonly<z.infer<typeof FoundPage>> & {
  readonly data: readonly Hit<Message>[];
};

/** The answer of a search. */
export const searchPageOf = <M extends z.ZodType>(message: M) =>
  FoundPage.extend({ data: z.array(Found.extend({ message })) });

const Positive = z.number().int().min(1);

/** The task that brings the entries of a chat, or of a whole app, up to its messages. */
export const IndexTask = z.union([
  z.object({
    app: z.string(),
    chat: Positive,
    /** What set it off; a part of its name. */
    cause: z.string(),
    /** Messages up to this number have been done. */
    after: z.number().int().min(0),
  }),
  z.object({ app: z.string(), rebuild: z.string(), lane: z.number().int().min(0), step: Positive }),
]);
export type IndexTask = z.infer<typeof IndexTask>;
export type IndexChatTask = Extract<IndexTask, { chat: number }>;
export type RebuildTask = Extract<IndexTask, { rebuild: string }>;

/** Making the entries of an app anew, while it is searched. */
export const Rebuild = z.object({
  id: z.string(),
  state: z.enum(["running", "completed"]),
  /** Chats and messages whose entries have been written. */
  progress: z.object({ chats: z.number(), messages: z.number() }),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Rebuild = z.infer<typeof Rebuild>;

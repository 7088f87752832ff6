import { z } from "zod";
import { File } from "../files/contract.ts";
import { DrawnId } from "../identity/contract.ts";
import {
  gatherMetadata,
  isVisible,
  MetadataChange,
  MetadataView,
  NewMetadata,
  Time,
} from "../platform/contract.ts";

/**
 * All shapes of chats that travel, in one file: they are made of each other, and clients and the page
 * import them from one place.
 */

export const TEXT_CHARS_MAX = 32_000;
export const TITLE_CHARS_MAX = 200;
export const TAGS_MAX = 20;
export const TAG_CHARS_MAX = 50;
/** Members stand in the head, which every change rewrites, and each is an index entry of it. */
export const MEMBERS_MAX = 500;
/** All of a message's edits go with it, in the commit that deletes it. */
export const EDITS_MAX = 200;
export const PAGE_LIMIT_MAX = 100;
export const PAGE_LIMIT_DEFAULT = 50;
/** How much of the newest message a list of chats shows. */
export const LATEST_CHARS_MAX = 280;

/**
 * Line breaks and tabs are text; the other control characters are not, and NUL breaks half the world's tools.
 */
const CONTROL = /(?![\n\r\t])\p{Cc}/u;

const SEEN = "must have something to be seen";

const Written = z
  .string()
  .max(TEXT_CHARS_MAX)
  .refine((text) => text.isWellFormed(), "must be well-formed Unicode: it contains a lone surrogate")
  .refine((text) => !CONTROL.test(text), "must not contain control characters");
export const Text = Written.min(1).refine(isVisible, SEEN);

export const BOT_CHARS_MAX = 100;

const OneLine = (charsMax: number) =>
  z
    .string()
    .max(charsMax)
    .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), "must not contain control characters");

export const KINDS = ["assistant", "direct", "group"] as const;
export const Kind = z.enum(KINDS);
export type Kind = z.infer<typeof Kind>;

export const ChatNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
export const MessageNumber = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const UserId = z.string().regex(/^(?!__.*__$)[A-Za-z0-9_-]{1,64}$/);
export const Tag = OneLine(TAG_CHARS_MAX).min(1);
const Title = OneLine(TITLE_CHARS_MAX).refine((title) => title === "" || isVisible(title), SEEN);
/** Places of pinned chats; any number up to here, so that there is always one between two others. */
export const ORDER_MAX = Number.MAX_SAFE_INTEGER;
const Tags = z.array(Tag).max(TAGS_MAX).refine(isDistinct, "must not repeat a tag");

function isDistinct(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

export const INSTRUCTIONS_CHARS_MAX = 8_000;
export const TEMPERATURE_MAX = 2;
/** What a model is told before the conversation. */
const Instructions = Text.max(INSTRUCTIONS_CHARS_MAX);
const Temperature = z.number().min(0).max(TEMPERATURE_MAX);

export const NewChat = z.strictObject({
  kind: Kind,
  title: Title.optional(),
  members: z.array(UserId).max(MEMBERS_MAX).optional(),
  tags: Tags.optional(),
  model: OneLine(100).min(1).optional(),
  instructions: Instructions.optional(),
  temperature: Temperature.optional(),
  temporary: z.boolean().optional(),
  metadata: NewMetadata.optional(),
});
export type NewChat = z.infer<typeof NewChat>;

/** What of a chat a person is notified of: everything, what mentions them, nothing. */
export const NotificationLevel = z.enum(["all", "mentions", "none"]);
export type NotificationLevel = z.infer<typeof NotificationLevel>;

/** How the caller arranges a chat for themselves. */
const OwnChange = z
  .strictObject({
    /** Until a message comes. */
    archived: z.boolean(),
    pinned: z.boolean(),
    /** Pins the chat at this place among the pinned ones, the lowest first. */
    order: z.number().min(-ORDER_MAX).max(ORDER_MAX),
    notify: NotificationLevel,
    /** Until the chat is read. */
    markedUnread: z.boolean(),
  })
  .partial();
export type OwnChange = z.infer<typeof OwnChange>;

/** What people do in a group; its rules say who may. */
export const GROUP_ACTIONS = ["rename", "add", "remove", "pin", "write"] as const;
export type GroupAction = (typeof GROUP_ACTIONS)[number];
const Allowed = z.enum(["everyone", "admins"]);
export const GroupRules = z.strictObject({
  rename: Allowed,
  add: Allowed,
  /** Others; everybody may leave. */
  remove: Allowed,
  pin: Allowed,
  write: Allowed,
});
export type GroupRules = z.infer<typeof GroupRules>;
export const GroupRole = z.strictObject({ role: z.enum(["admin", "member"]) });
export type GroupRole = z.infer<typeof GroupRole>;

/** What holds for everybody in the chat. */
const CommonChange = z
  .strictObject({
    title: Title,
    tags: Tags,
    model: OneLine(100).min(1).nullable(),
    instructions: Instructions.nullable(),
    temperature: Temperature.nullable(),
    rules: GroupRules.partial(),
    metadata: MetadataChange,
  })
  .partial();
export type CommonChange = z.infer<typeof CommonChange>;

export const ChatChange = z
  .strictObject({ ...CommonChange.shape, ...OwnChange.shape })
  .refine((change) => Object.keys(change).length > 0, "must change something");
export type ChatChange = z.infer<typeof ChatChange>;

/** The two parts of a change. */
export function partsOfChange(change: ChatChange): { common: CommonChange; own: OwnChange } {
  const isOwn = ([name]: [string, unknown]): boolean => Object.hasOwn(OwnChange.shape, name);
  const fields = Object.entries(change);
  return {
    common: Object.fromEntries(fields.filter((field) => !isOwn(field))),
    own: Object.fromEntries(fields.filter(isOwn)),
  };
}

/**
 * What the caller has begun to write in a chat, or in the thread that begins with a message; an empty text
 * takes it away.
 */
export const NewDraft = z.strictObject({ text: Written, thread: MessageNumber.optional() });
export type NewDraft = z.infer<typeof NewDraft>;

const Sender = z.union([
  z.object({ id: z.string(), bot: z.string().optional() }),
  z.object({ model: z.string() }),
]);

const Draft = z.object({ text: z.string(), updatedAt: z.string(), cut: z.literal(true).optional() });

export const Chat = z.object({
  number: z.number(),
  kind: Kind,
  title: z.string(),
  /** Whose words the title is; null while there is none. */
  titleBy: z.enum(["person", "model"]).nullable(),
  members: z.array(z.string()),
  /** Who may delete it and remove others from it, besides those who administer the app. */
  createdBy: z.string(),
  tags: z.array(z.string()),
  /** Of a group: who administers it, and what only they may do. */
  admins: z.array(z.string()).optional(),
  rules: GroupRules.optional(),
  /** Messages that are pinned for everybody, in the order in which they were. */
  pinnedMessages: z.array(z.number()),
  model: z.string().optional(),
  /** What the model is told in this chat, and how freely it answers. */
  instructions: z.string().optional(),
  temperature: z.number().optional(),
  temporary: z.boolean(),
  /** What the app's own code has noted; absent where there is nothing. */
  metadata: MetadataView.optional(),
  revision: z.number(),
  messagesCount: z.number(),
  latest: z
    .object({
      number: z.number(),
      sender: Sender,
      text: z.string(),
      createdAt: z.string(),
    })
    .optional(),
  /** Messages that the caller could read and has not. */
  unreadCount: z.number(),
  /** Up to which message the caller counts as having read it. */
  readThrough: z.number(),
  /** A message that the caller has not read mentions them. */
  mentioned: z.boolean(),
  /** The caller's mute. The time may have passed; null: until the caller unmutes the chat. */
  mute: z.object({ until: z.string().nullable() }).optional(),
  activeBranch: z.string(),
  branchesCount: z.number(),
  /** The caller's own, as what follows. */
  archived: z.boolean(),
  pinned: z.boolean(),
  /** Its place among the chats that the caller has pinned. */
  order: z.number().optional(),
  notify: NotificationLevel,
  /** The caller wants to come back to it. */
  markedUnread: z.boolean(),
  /** What the caller has begun to write; in a list only the beginning of a long one. */
  draft: Draft.optional(),
  createdAt: z.string(),
  /** When its last message came; lists are ordered by it. */
  latestAt: z.string(),
  /** When anything in it changed last. */
  updatedAt: z.string(),
});
export type Chat = z.infer<typeof Chat>;

/** Somebody who is named in a text, or all members, and where. */
export const Mention = z.strictObject({
  start: z.number().int().min(0),
  end: z.number().int().min(1),
  user: z.union([z.literal("all"), UserId]),
});
/** A thread as its reader has it. */
export const Thread = z.object({
  message: z.number(),
  count: z.number(),
  unreadCount: z.number(),
  readThrough: z.number(),
  /** What the caller has begun to write there. */
  draft: Draft.omit({ cut: true }).optional(),
});
export type Thread = z.infer<typeof Thread>;
export const ThreadRead = z.strictObject({ number: MessageNumber });

export type Mention = z.infer<typeof Mention>;
export const MENTIONS_MAX = 50;
const Mentions = z.array(Mention).max(MENTIONS_MAX);

/** What happened to a group. */
export const ChatEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("joined"), user: z.string() }),
  z.object({ type: z.literal("left"), user: z.string() }),
  z.object({ type: z.literal("removed"), user: z.string() }),
  z.object({ type: z.literal("renamed"), title: z.string() }),
]);
export type ChatEvent = z.infer<typeof ChatEvent>;

export const PINNED_MESSAGES_MAX = 50;

/** Of one message, beside those that come with a forward. */
export const FILES_MAX = 10;
const FileIds = z.array(DrawnId).min(1).max(FILES_MAX).refine(isDistinct, "must not repeat a file");

/** A message of a chat that the sender can read. */
const MessageOrigin = z.strictObject({ chat: MessageNumber, message: MessageNumber });

export const NewMessage = z
  .strictObject({
    /** May be left out of a forward, whose text is then that of the forwarded message, and beside files. */
    text: Text.optional(),
    /** By a server with the scope for it: the name of the bot that says it. */
    sender: z.strictObject({ bot: OneLine(BOT_CHARS_MAX).min(1) }).optional(),
    /** By a server with the scope for it: the app itself says it. */
    role: z.literal("system").optional(),
    replyTo: MessageNumber.optional(),
    /** Whom the text names, in order. Left out, they are looked for: `@all`, `@` with an id or a name. */
    mentions: Mentions.optional(),
    forwardOf: MessageOrigin.optional(),
    /** What the sender has uploaded; the message stands while they are still being checked. */
    files: FileIds.optional(),
    /**
     * The message to follow; 0 for the beginning. Other than the last of the active branch it begins a
     * branch.
     */
    after: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    metadata: NewMetadata.optional(),
    /** When to send it; without, now. */
    sendAt: Time.optional(),
  })
  .refine(({ text, forwardOf, files }) => [text, forwardOf, files].some((part) => part !== undefined), {
    path: ["text"],
    message: "is required unless a message is forwarded or has files",
  });
export type NewMessage = z.infer<typeof NewMessage>;

/** What a message is made of, in the order in which it is shown. */
export const Part = z.discriminatedUnion("type", [
  z.object({ type: z.literal("quote"), message: z.number(), sender: Sender, text: z.string() }),
  z.object({
    type: z.literal("forward"),
    chat: z.number(),
    message: z.number(),
    sender: Sender,
    text: z.string(),
    createdAt: z.string(),
  }),
  z.object({ type: z.literal("text"), text: z.string() }),
  /** One of the message's files, by its id. */
  z.object({ type: z.literal("image"), file: z.string() }),
  z.object({ type: z.literal("file"), file: z.string() }),
]);
export type Part = z.infer<typeof Part>;

/** How much of a message a reply to it quotes. */
export const QUOTE_CHARS_MAX = 500;

export const LANES = ["fast", "slow"] as const;
export const Lane = z.enum(LANES);
export type Lane = z.infer<typeof Lane>;

/** What an answer took. */
export const Usage = z.object({
  model: z.string(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** Millionths of the price list's currency. */
  costMicros: z.number(),
  latencyMs: z.number(),
  /** Until the first word. */
  firstTokenMs: z.number().optional(),
  /** Of the input, what the provider had in its cache. */
  cachedTokens: z.number().optional(),
});
export type Usage = z.infer<typeof Usage>;

/** Who gave an answer, and why not the one that should have. */
export const Served = z.object({
  /**
   * `chosen`: the first model. `fallback`: another one. `cached`: an earlier answer. `queued`: nobody yet.
   * `none`: nobody.
   */
  as: z.enum(["chosen", "fallback", "cached", "queued", "none"]),
  /**
   * Why the first model did not answer: its circuit is open, it failed, or the budget is used up.
   */
  reason: z.enum(["circuit_open", "model_failed", "budget_exhausted", "misconfigured"]).optional(),
  /** The first model, where another answered. */
  insteadOf: z.string().optional(),
});
export type Served = z.infer<typeof Served>;

/** Why an answer ended as it did. */
export const FinishReason = z.enum(["stop", "length", "content_filter", "refusal", "tool_calls", "stopped"]);
export type FinishReason = z.infer<typeof FinishReason>;

/** Why there is no answer: a code for programs, and words in the asker's language. */
export const AnswerError = z.object({
  code: z.enum(["too_long", "refused", "invalid", "images", "unavailable", "misconfigured", "budget"]),
  message: z.string(),
});
export type AnswerError = z.infer<typeof AnswerError>;

/** A file of the conversation that the model was given: its picture, or its text, perhaps not all of it. */
export const GivenFile = z.object({
  file: z.string(),
  as: z.enum(["image", "text"]),
  cut: z.literal(true).optional(),
});
export type GivenFile = z.infer<typeof GivenFile>;

export const Message = z.object({
  id: z.string(),
  number: z.number(),
  revision: z.number(),
  branch: z.string(),
  parent: z.number().nullable(),
  sender: Sender,
  role: z.enum(["user", "assistant", "system", "tool"]),
  text: z.string(),
  parts: z.array(Part),
  status: z.enum(["complete", "queued", "streaming", "failed", "stopped", "deleted"]),
  replyTo: z.number().optional(),
  /** Of a reply: the message that its thread begins with. */
  thread: z.number().optional(),
  /** Of a message that has been replied to: its thread. */
  replies: z
    .object({
      count: z.number(),
      latest: z.object({ number: z.number(), sender: Sender, createdAt: z.string() }).optional(),
    })
    .optional(),
  mentions: z.array(Mention).optional(),
  /** What comes with it, as it is now: a file becomes ready after the message was sent. */
  files: z.array(File).optional(),
  /** What happened to the group; such a message has no text. */
  event: ChatEvent.optional(),
  pinned: z.object({ by: z.string(), at: z.string() }).optional(),
  forwardedFrom: z
    .object({ chat: z.number(), message: z.number(), sender: Sender, createdAt: z.string() })
    .optional(),
  reactions: z.record(z.string(), z.array(z.string())),
  editedAt: z.string().optional(),
  /** Of a message that was brought from elsewhere: when it was written there, where that is known. */
  sentAt: z.string().optional(),
  /** What the app's own code has noted; absent where there is nothing. */
  metadata: MetadataView.optional(),
  /** A moderator withholds what it said. */
  hidden: z.literal(true).optional(),
  usage: Usage.optional(),
  served: Served.optional(),
  finishReason: FinishReason.optional(),
  error: AnswerError.optional(),
  /** Of an answer: the files that its model was given. */
  given: z.array(GivenFile).optional(),
  /** What the model thought before it answered. */
  thinking: z.object({ text: z.string(), tokens: z.number() }).optional(),
  /** Of a question to a model: which message answers it. */
  answer: z.object({ number: z.number() }).optional(),
  createdAt: z.string(),
});
export type Message = z.infer<typeof Message>;

/**
 * Why a scheduled message was not sent: the chat is gone, its writer may not write there any more or was shut
 * out of the app, the app's hook refused it, or what it replies to or forwards is gone.
 */
export const ScheduledReason = z.enum(["chat_gone", "not_allowed", "account_ended", "refused", "invalid"]);
export type ScheduledReason = z.infer<typeof ScheduledReason>;

/** A message that is to be sent at its time. */
export const ScheduledMessage = z.object({
  id: z.string(),
  chat: z.number(),
  text: z.string().optional(),
  replyTo: z.number().optional(),
  forwardOf: z.object({ chat: z.number(), message: z.number() }).optional(),
  /** By their ids. */
  files: z.array(z.string()).optional(),
  metadata: MetadataView.optional(),
  sendAt: z.string(),
  status: z.enum(["scheduled", "sending", "sent", "failed", "cancelled"]),
  reason: ScheduledReason.optional(),
  createdAt: z.string(),
});
export type ScheduledMessage = z.infer<typeof ScheduledMessage>;

export const ScheduledChange = z
  .strictObject({ text: Text, sendAt: Time })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must change something");
export type ScheduledChange = z.infer<typeof ScheduledChange>;

/** A run of messages that begins after a message of another branch. */
export const Branch = z.object({
  id: z.string(),
  /** The branch that it begins on; null for the main one and those that begin the chat anew. */
  parent: z.string().nullable(),
  /** The message that it begins after; null at the chat's beginning. */
  after: z.number().nullable(),
  lastNumber: z.number(),
  active: z.boolean(),
  createdBy: z.string(),
  createdAt: z.string(),
});
export type Branch = z.infer<typeof Branch>;

const BranchId = z.string().regex(/^(?:main|b[1-9]\d{0,14})$/);
export const BranchChoice = z.strictObject({ branch: BranchId });
export const NewFork = z.strictObject({ at: MessageNumber });

export const MessageChange = z
  .strictObject({ text: Text, mentions: Mentions, metadata: MetadataChange })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must change something")
  .refine(({ text, mentions }) => text !== undefined || mentions === undefined, {
    path: ["mentions"],
    message: "come with a text",
  });
export type MessageChange = z.infer<typeof MessageChange>;

export const EMOJI_CHARS_MAX = 40;
/** Distinct emoji on one message. */
export const REACTIONS_MAX = 50;
/** Refused as a name of nothing; what stands in a path is one emoji in whichever form. */
export const Emoji = z
  .string()
  .min(1)
  .max(EMOJI_CHARS_MAX)
  .refine((text) => canonicalEmoji(text) !== undefined)
  .transform((text) => canonicalEmoji(text) ?? text);

/**
 * The one fully qualified form of an emoji of Unicode's list of those recommended for interchange; with and
 * without variation selectors it is the same. Undefined for anything else, stray marks and joiners included.
 */
export function canonicalEmoji(text: string): string | undefined {
  const signs = Array.from(text.replaceAll(/[\ufe0e\ufe0f]/g, ""));
  const qualified = signs
    .map((sign, at) => (takesSelector(sign, signs[at + 1]) ? `${sign}\ufe0f` : sign))
    .join("");
  return text.isWellFormed() && /^\p{RGI_Emoji}$/v.test(qualified) ? qualified : undefined;
}

/**
 * What is text by default is an emoji with a selector; skin tones and the frame of keycaps stand in its
 * place.
 */
const takesSelector = (sign: string, next: string | undefined): boolean =>
  /^\p{Emoji}$/u.test(sign) &&
  !/^\p{Emoji_Presentation}$/u.test(sign) &&
  (next === undefined || !/^\p{Emoji_Modifier}$/u.test(next));

export const Edit = z.object({ text: z.string(), revision: z.number(), createdAt: z.string() });
export type Edit = z.infer<typeof Edit>;

/** Up to which messages a chat has been read, or has reached the person. */
export const Marks = z
  .strictObject({ number: MessageNumber, delivered: MessageNumber })
  .partial()
  .refine((marks) => Object.keys(marks).length > 0, {
    path: ["number"],
    message: "or delivered is required",
  });
export type Marks = z.infer<typeof Marks>;

/** Query parameters arrive as text. */
const Limit = z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT);
const NumberParameter = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const Flag = z.enum(["true", "false"]).transform((value) => value === "true");
const TimeMs = Time.transform((value) => Date.parse(value));

export const MessagePageQuery = z
  .strictObject({
    before: NumberParameter,
    after: NumberParameter,
    around: NumberParameter,
    branch: BranchId,
    /** Only the replies of this thread: the number of its first message. */
    thread: NumberParameter,
    limit: Limit,
    cursor: z.string().max(2000),
  })
  .partial({ before: true, after: true, around: true, branch: true, thread: true, cursor: true })
  .refine(
    ({ thread, branch, around }) => thread === undefined || (branch === undefined && around === undefined),
    { path: ["thread"], message: "goes with neither branch nor around" },
  )
  .refine(
    (query) =>
      [query.before, query.after, query.around, query.cursor].filter((value) => value !== undefined).length <=
      1,
    "takes only one of before, after, around and cursor",
  );
export type MessagePageQuery = z.infer<typeof MessagePageQuery>;

export const BranchListQuery = z
  .strictObject({ limit: Limit, cursor: z.string().max(2000) })
  .partial({ cursor: true });
export type BranchListQuery = z.infer<typeof BranchListQuery>;

/** Each may be as large as a message. */
export const EDITS_LIMIT_MAX = 20;
export const EditListQuery = z
  .strictObject({
    limit: z.coerce.number().int().min(1).max(EDITS_LIMIT_MAX).default(EDITS_LIMIT_MAX),
    cursor: z.string().max(2000),
  })
  .partial({ cursor: true });
export type EditListQuery = z.infer<typeof EditListQuery>;

export const ChangesQuery = z.strictObject({ since: NumberParameter.default(0), limit: Limit });

export interface Changes {
  /** Messages in the order of their latest change, tombstones included. */
  readonly data: readonly Message[];
  /** Where to go on: everything up to this revision is known then. */
  readonly revision: number;
  readonly hasMore: boolean;
}

export const NAME_QUERY_CHARS_MAX = 200;
/** Any part of a name or title, however it is written. */
export const NameQuery = z.string().min(1).max(NAME_QUERY_CHARS_MAX);

const ChatListFields = z
  .strictObject({
    /** Of titles, and of the other's name in direct chats. */
    q: NameQuery,
    kind: Kind,
    tag: Tag,
    member: UserId,
    /** Written `metadata.{name}={value}`, for up to as many pairs as there may be. */
    metadata: NewMetadata,
    archived: Flag,
    pinned: Flag,
    from: TimeMs,
    to: TimeMs,
    cursor: z.string().max(2000),
    limit: Limit,
  })
  .partial({
    q: true,
    kind: true,
    tag: true,
    member: true,
    metadata: true,
    archived: true,
    pinned: true,
    from: true,
    to: true,
    cursor: true,
  });
export const ChatListQuery = z.preprocess(gatherMetadata, ChatListFields);
export type ChatListQuery = z.infer<typeof ChatListQuery>;

/** A page of anything, as WIRE.md has it. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    data: z.array(item),
    hasMore: z.boolean(),
    next: z.string().nullable(),
    prev: z.string().nullable(),
  });

export interface Page<T> {
  readonly data: readonly T[];
  readonly hasMore: boolean;
  /** The cursor of the page further in the direction asked for; null at the end. */
  readonly next: string | null;
  /** The cursor of the page in the other direction; null where there can be none. */
  readonly prev: string | null;
}

/**
 * A page of chats; the first one of all chats says how many messages are unread in them together. Those of
 * the page are counted now; of chats beyond it, what has come, was deleted or read is in the sum within
 * seconds (30 in a group of 500), and for whoever is online within two minutes.
 */
export const ChatPage = pageOf(Chat).extend({ unreadTotal: z.number().optional() });
export interface ChatPage extends Page<Chat> {
  readonly unreadTotal?: number;
}

export const REASON_CHARS_MAX = 1_000;
/** A message that the reporter can read, or somebody. */
export const NewReport = z
  .strictObject({
    message: MessageOrigin.optional(),
    user: UserId.optional(),
    reason: Text.max(REASON_CHARS_MAX),
  })
  .refine(({ message, user }) => (message === undefined) !== (user === undefined), {
    path: ["message"],
    message: "or user is required, and not both",
  });
export type NewReport = z.infer<typeof NewReport>;
export const Decision = z.enum(["dismiss", "hide", "delete", "warn"]);
export type Decision = z.infer<typeof Decision>;
export const ReportDecision = z.strictObject({ decision: Decision });
export const Report = z.object({
  id: z.string(),
  reporter: z.string(),
  message: z.object({ chat: z.number(), message: z.number() }).optional(),
  /** Who was reported, or wrote the message; null for a model. */
  user: z.string().nullable(),
  reason: z.string(),
  status: z.enum(["open", "decided"]),
  decision: Decision.optional(),
  decidedBy: z.string().optional(),
  decidedAt: z.string().optional(),
  createdAt: z.string(),
});
export type Report = z.infer<typeof Report>;

/** What an app's hook says of a message. */
export const Verdict = z.object({
  decision: z.enum(["allow", "hide", "refuse", "report"]),
  /** For the person whose message is refused, and for the moderators. */
  reason: z.string().optional(),
});
export type Verdict = z.infer<typeof Verdict>;

/** Somebody whom one wants to hear nothing of. */
export const Block = z.object({ user: z.string(), createdAt: z.string() });
export type Block = z.infer<typeof Block>;

/** What was written and answered on a day (UTC). */
export const DayUsage = z.object({
  day: z.string(),
  messages: z.number(),
  answers: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  /** Millionths of the price list's currency. */
  costMicros: z.number(),
});
export type DayUsage = z.infer<typeof DayUsage>;

/** The event `chat-changed`: a hint that the chat has reached this revision. */
export const ChatChanged = z.object({
  app: z.string(),
  chat: z.number().int().min(1),
  revision: z.number().int().min(1),
});
export type ChatChanged = z.infer<typeof ChatChanged>;

import type { Found, FoundAuthor, FoundChat, FoundMessage } from "../found.ts";
import { type Fields, fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/**
 * Rows of a table, and lines of JSON: a message each, in whatever names its makers have given the columns.
 */
export interface RowOf {
  /** Names the file by its content, for rows that have no id of their own. */
  readonly file: string;
  readonly row: number;
  /** What the chat is called where no column says so. */
  readonly fallbackTitle: string;
}

/** The names of columns, the likelier first; compared without case, spaces and signs. */
const NAMES = {
  chat: [
    "conversationid",
    "chatid",
    "threadid",
    "conversation",
    "chat",
    "thread",
    "channel",
    "room",
    "session",
  ],
  title: ["title", "chattitle", "conversationtitle", "subject", "chatname", "topic"],
  text: ["text", "content", "message", "body", "messagetext", "messagecontent"],
  sender: ["sender", "sendername", "author", "from", "user", "username", "name", "speaker"],
  email: ["email", "senderemail", "useremail", "mail"],
  role: ["role", "authorrole", "senderrole"],
  time: ["sentat", "timestamp", "createdat", "time", "date", "datetime", "createtime", "createdtime", "ts"],
  id: ["messageid", "id", "uuid"],
  parent: ["parentid", "parent", "parentmessageid", "inreplyto"],
  model: ["model", "modelslug", "modelname"],
} as const;
export type Column = keyof typeof NAMES;
export type Mapping = Readonly<Partial<Record<Column, string | undefined>>>;

const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");

/** Which column is what, guessed by their names; undefined unless one holds the texts. */
export function guessMapping(columns: readonly string[]): Mapping | undefined {
  const byName = new Map(columns.toReversed().map((column) => [plainName(column), column]));
  const mapping: Partial<Record<Column, string>> = {};
  const taken = new Set<string>();
  for (const [column, names] of Object.entries(NAMES) as [Column, readonly string[]][]) {
    const name = names.map((each) => byName.get(each)).find((each) => each !== undefined && !taken.has(each));
    if (name === undefined) continue;
    mapping[column] = name;
    taken.add(name);
  }
  return mapping.text === undefined ? undefined : mapping;
}

/** A message out of the columns of a row. */
export function parseRow(fields: Fields, mapping: Mapping, { file, row, fallbackTitle }: RowOf): Found {
  const at = (column: Column): unknown => {
    const name = mapping[column];
    return name === undefined ? undefined : fields[name];
  };
  const where = `row ${row}`;
  const text = typeof at("text") === "string" ? (at("text") as string) : textOfParts(at("text"));
  if (text.trim() === "") return { chats: [], left: [{ where, what: "row", why: "it has no text" }] };
  const time = at("time");
  const sentMs = timeIn(time);
  const left =
    time !== undefined && time !== null && time !== "" && sentMs === undefined
      ? [{ where, what: "row" as const, why: "its time can't be read, so the message is kept without" }]
      : [];
  const chat = idIn(at("chat")) ?? idIn(at("title"));
  const role = roleOf(at("role"), at("model"));
  const parent = idIn(at("parent"));
  const message: FoundMessage = {
    id: idIn(at("id")) ?? `${file}#${row}`,
    ...(parent === undefined ? {} : { parent }),
    role,
    author: authorOf(role, at),
    text,
    sentMs,
  };
  return {
    chats: [chatOf(chat, { file, fallbackTitle, message, title: textIn(at("title")), role: at("role") })],
    left,
  };
}

function chatOf(
  chat: string | undefined,
  of: {
    readonly file: string;
    readonly fallbackTitle: string;
    readonly message: FoundMessage;
    readonly title: string | undefined;
    readonly role: unknown;
  },
): FoundChat {
  return {
    source: chat === undefined ? `rows:${of.file}` : `rows:${chat}`,
    title: of.title ?? chat ?? of.fallbackTitle,
    kind: of.role === undefined ? "group" : "assistant",
    createdMs: of.message.sentMs,
    messages: [of.message],
    isWhole: false,
  };
}

const MODELS = new Set(["assistant", "ai", "bot", "model", "chatgpt", "claude"]);

function roleOf(role: unknown, model: unknown): FoundMessage["role"] {
  const name = textIn(role)?.toLowerCase() ?? (textIn(model) === undefined ? "user" : "assistant");
  if (MODELS.has(name)) return "assistant";
  return name === "system" ? "system" : "user";
}

function authorOf(role: FoundMessage["role"], at: (column: Column) => unknown): FoundAuthor {
  if (role === "assistant") return { model: textIn(at("model")) ?? textIn(at("sender")) ?? "model" };
  const name = textIn(at("sender"));
  const email = textIn(at("email")) ?? (name?.includes("@") === true ? name : undefined);
  if (name === undefined && email === undefined) return { self: true };
  if (/^(?:me|user|human|you|self)$/i.test(name ?? "")) return { self: true };
  return { name: name ?? email ?? "", ...(email === undefined ? {} : { email }) };
}

const textOfParts = (content: unknown): string =>
  typeof content === "number" || typeof content === "boolean"
    ? String(content)
    : (Array.isArray(content) ? content : listOf(fieldsOf(content)["parts"]))
        .map((part) => (typeof part === "string" ? part : (textIn(fieldsOf(part)["text"]) ?? "")))
        .filter((part) => part !== "")
        .join("\n\n");

/** A chat with its messages in it, as fine-tuning data and many small tools have it. */
export const isChatObject = (value: unknown): boolean =>
  isFields(value) && Array.isArray(value["messages"]) && value["messages"].some(isFields);

export function parseChatObject(value: unknown, of: RowOf): Found {
  const fields = fieldsOf(value);
  const source = idIn(fields["id"]) ?? idIn(fields["conversationId"]) ?? idIn(fields["number"]);
  const title = textIn(fields["title"]) ?? textIn(fields["name"]);
  const messages: FoundMessage[] = [];
  const left: Found["left"][number][] = [];
  for (const [index, each] of listOf(fields["messages"]).entries()) {
    const row = fieldsOf(each);
    const mapping = guessMapping(Object.keys(row)) ?? {};
    const found = parseRow(row, mapping, { ...of, row: index + 1 });
    left.push(...found.left.map((one) => ({ ...one, where: `row ${of.row}, message ${index + 1}` })));
    const [message] = found.chats.flatMap((chat) => chat.messages);
    if (message !== undefined) messages.push({ ...message, id: idIn(row["id"]) ?? `${of.row}#${index}` });
  }
  const where = `row ${of.row}`;
  if (messages.length === 0)
    return { chats: [], left: [...left, { where, what: "chat", why: "it has no message" }] };
  const hasModel = messages.some(({ role }) => role === "assistant");
  return {
    chats: [
      {
        source: source === undefined ? `chat:${of.file}#${of.row}` : `chat:${source}`,
        title: title ?? "",
        kind: fields["kind"] === "group" || !hasModel ? "group" : "assistant",
        createdMs: timeIn(fields["createdAt"] ?? fields["created_at"]),
        messages,
        isWhole: true,
      },
    ],
    left,
  };
}

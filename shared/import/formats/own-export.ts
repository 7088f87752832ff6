import { NewChat } from "../../chat/contract.ts";
import type { ChatSettings, Found, FoundAuthor, FoundMessage, Left } from "../found.ts";
import { fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/** What an export of Scrollback's own says of itself (docs/exports.md). */
export interface OwnExport {
  readonly app: string;
  /** Whose it is. */
  readonly person: string;
}

/** `export.json`; undefined for what is none. */
export function ownExportIn(manifest: unknown): OwnExport | undefined {
  const { format, app, person } = fieldsOf(manifest);
  if (format !== "scrollback-export") return undefined;
  return { app: idIn(fieldsOf(app)["id"]) ?? "", person: idIn(fieldsOf(person)["id"]) ?? "" };
}

/** A chat of it, whose messages come in parts. */
export interface OwnChat extends OwnExport {
  readonly chat: string;
  readonly title: string;
  readonly kind: "assistant" | "group";
  readonly createdMs: number | undefined;
  readonly settings: ChatSettings;
  /** The message at which it goes on. */
  readonly tip: string | undefined;
}

/** `chats/{number}/chat.json`. */
export function ownChatIn(value: unknown, chat: string, of: OwnExport): OwnChat {
  const fields = fieldsOf(value);
  return {
    ...of,
    chat,
    title: textIn(fields["title"]) ?? "",
    kind: fields["kind"] === "assistant" ? "assistant" : "group",
    createdMs: timeIn(fields["createdAt"]),
    settings: settingsIn(fields),
    tip: idIn(fieldsOf(fields["latest"])["number"]),
  };
}

const SETTINGS = ["tags", "metadata", "model", "instructions", "temperature"] as const;

/** Those that a chat may have here. */
function settingsIn(fields: Readonly<Record<string, unknown>>): ChatSettings {
  const settings = SETTINGS.flatMap((name) => {
    const read = NewChat.shape[name].safeParse(fields[name]);
    return read.success && read.data !== undefined ? [[name, read.data] as const] : [];
  });
  return Object.fromEntries(settings);
}

/** `chats/{number}/messages-{part}.json`. What was deleted is left out without a word, as are events. */
export function parseOwnMessages(value: unknown, chat: OwnChat, where: string): Found {
  if (!isFields(value) || !Array.isArray(value["messages"]))
    return { chats: [], left: [{ where, what: "chat", why: "it has no list of messages" }] };
  const names = new Map(
    listOf(value["people"]).flatMap((each) => {
      const { id, name } = fieldsOf(each);
      return [[idIn(id) ?? "", textIn(name) ?? ""] as const];
    }),
  );
  const left: Left[] = [];
  const messages: FoundMessage[] = [];
  /** What stands before a message that is left out. */
  const before = new Map<string, string | null>();
  for (const each of value["messages"]) {
    const fields = fieldsOf(each);
    const id = idIn(fields["number"]);
    if (id === undefined) {
      left.push({ where, what: "message", why: "it has no number" });
      continue;
    }
    const named = idIn(fields["parent"]) ?? null;
    const parent = (named !== null && before.has(named) ? before.get(named) : named) ?? null;
    const files = listOf(fields["files"]).map((file) => textIn(fieldsOf(file)["name"]) ?? "a file");
    const text = textIn(fields["text"]) ?? "";
    if (text.trim() === "" && files.length === 0) {
      before.set(id, parent);
      if (fields["status"] === "failed") left.push({ where, what: "message", why: `${id} has failed` });
      continue;
    }
    messages.push({
      id,
      parent,
      role: roleIn(fields["role"]),
      author: authorIn(fields["sender"], chat, names),
      text,
      thinking: textIn(fieldsOf(fields["thinking"])["text"]),
      sentMs: timeIn(fields["sentAt"]) ?? timeIn(fields["createdAt"]),
      files: files.map((name) => ({ key: "", name })),
    });
  }
  const { title, kind, createdMs, settings, tip } = chat;
  const source = `scrollback:${chat.app}:${chat.chat}`;
  return { chats: [{ source, title, kind, createdMs, settings, tip, messages, isWhole: false }], left };
}

const roleIn = (role: unknown): FoundMessage["role"] =>
  role === "assistant" || role === "system" ? role : "user";

function authorIn(sender: unknown, { person }: OwnChat, names: ReadonlyMap<string, string>): FoundAuthor {
  const { id, bot, model } = fieldsOf(sender);
  const named = textIn(bot);
  if (named !== undefined) return { name: named };
  const by = textIn(model);
  if (by !== undefined) return { model: by };
  return id === person ? { self: true } : { name: names.get(idIn(id) ?? "") || "Somebody" };
}

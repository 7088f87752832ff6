import { NAME_CHARS_MAX } from "../identity/contract.ts";
import type { Principal } from "../identity/principal.ts";
import { TEXT_CHARS_MAX, TITLE_CHARS_MAX } from "../chat/contract.ts";
import type { Author } from "../chat/log/body.ts";
import { excerpt } from "../chat/log/head.ts";
import type { HistoryMessage } from "../chat/log/place-history.ts";
import { Timestamp } from "../platform/firestore-values.ts";
import { derivedId } from "../platform/ids.ts";
import type { FoundAuthor, FoundChat, FoundMessage } from "./found.ts";
import type { People } from "./people.ts";

/** Thinking is kept beside the text, of which a document holds 1 MiB together. */
const THINKING_CHARS_MAX = 100_000;
const MODEL_CHARS_MAX = 100;

interface Importing {
  readonly app: string;
  readonly by: Principal;
  readonly people: People;
}

/**
 * The messages of a chat as they are stored here. Texts that are longer than a message may be become several,
 * one after the other. Signs that no text may have are left out. Pure.
 */
export function historyOf(
  { app, by, people }: Importing,
  chat: FoundChat,
  nowMs: number,
): { readonly messages: readonly HistoryMessage[]; readonly tip: string | undefined } {
  const idOf = (message: string, part = 0): string =>
    derivedId("brought", app, by.id, chat.source, message, String(part));
  const ends = new Map<string, string>();
  let lastMs = chat.createdMs ?? nowMs;
  const messages = chat.messages.flatMap((found) => {
    const texts = splitText(textOf(found), TEXT_CHARS_MAX);
    const sentMs = found.sentMs !== undefined && found.sentMs <= nowMs ? found.sentMs : undefined;
    lastMs = sentMs ?? lastMs;
    const createdAt = Timestamp.fromMillis(Math.min(lastMs, nowMs));
    const { parent } = found;
    const after = parent === undefined || parent === null ? parent : (ends.get(parent) ?? idOf(parent));
    const parts = texts.map((text, part): HistoryMessage => ({
      id: idOf(found.id, part),
      parent: part === 0 ? after : idOf(found.id, part - 1),
      sender: senderOf(found.author, { by, people }),
      role: found.role,
      body: { text, ...(part === 0 ? thinkingOf(found) : {}) },
      ...(sentMs === undefined ? {} : { sentAt: Timestamp.fromMillis(sentMs) }),
      createdAt,
    }));
    ends.set(found.id, idOf(found.id, texts.length - 1));
    return parts;
  });
  return { messages, tip: chat.tip === undefined ? undefined : ends.get(chat.tip) };
}

/** What has no text of its own is shown by the names of what came with it. */
const textOf = ({ text, files = [] }: FoundMessage): string =>
  cleanText(text) || files.map(({ name }) => `[${lineOf(name, NAME_CHARS_MAX)}]`).join(" ");

function thinkingOf({ thinking }: FoundMessage): Pick<HistoryMessage["body"], "thinking"> {
  const text = excerpt(cleanText(thinking ?? ""), THINKING_CHARS_MAX);
  return text === "" ? {} : { thinking: { text, tokens: 0 } };
}

/** Whoever is nobody here is named by whoever brings what they have said. */
function senderOf(author: FoundAuthor, { by, people }: Pick<Importing, "by" | "people">): Author {
  if ("model" in author) return { model: lineOf(author.model, MODEL_CHARS_MAX) || "model" };
  const user = people.userOf(author);
  if (user !== undefined) return { id: user };
  return { id: by.id, bot: lineOf("name" in author ? author.name : "", NAME_CHARS_MAX) || "Somebody" };
}

export const titleOf = ({ title }: Pick<FoundChat, "title">): string => lineOf(title, TITLE_CHARS_MAX);

/** In one line, without what is no sign of a text. */
const lineOf = (text: string, charsMax: number): string =>
  excerpt(
    text
      .toWellFormed()
      .replaceAll(/\p{Cc}+/gu, " ")
      .trim(),
    charsMax,
  );

const CONTROL = /(?![\n\r\t])\p{Cc}/gu;
const cleanText = (text: string): string => text.toWellFormed().replaceAll(CONTROL, "");

/** At the end of a line or a word, where there is one in the last tenth. */
export function splitText(text: string, charsMax: number): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > charsMax) {
    const whole = excerpt(rest, charsMax);
    const tail = whole.slice(-Math.floor(charsMax / 10));
    const at = Math.max(tail.lastIndexOf("\n"), tail.lastIndexOf(" "));
    const part = at === -1 ? whole : whole.slice(0, whole.length - tail.length + at + 1);
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return [...parts, rest];
}

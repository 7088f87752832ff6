import type { Found, Left } from "../found.ts";
import { type Node, orderTree } from "./tree.ts";
import { type Fields, fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/** A chat of Open WebUI's export. */
export const isOpenWebUi = (value: unknown): boolean => {
  const { history, messages } = fieldsOf(fieldsOf(value)["chat"]);
  return isFields(history) || Array.isArray(messages);
};

export function parseOpenWebUi(value: unknown, where: string): Found {
  const outer = fieldsOf(value);
  const chat = fieldsOf(outer["chat"]);
  const history = fieldsOf(chat["history"]);
  const left: Left[] = [];
  const named = Object.entries(fieldsOf(history["messages"]));
  const found: [string, Fields][] =
    named.length > 0
      ? named.map(([id, message]) => [id, fieldsOf(message)])
      : listOf(chat["messages"]).map((message, index) => [
          idIn(fieldsOf(message)["id"]) ?? `#${index}`,
          fieldsOf(message),
        ]);
  const isTree = found.some(([, message]) => textIn(message["parentId"]) !== undefined);
  const model = textIn(listOf(chat["models"])[0]) ?? "model";
  let previous: string | undefined;
  const nodes = found.map(([id, message]): Node => {
    const parent = isTree ? textIn(message["parentId"]) : previous;
    previous = id;
    const { text, thinking } = apart(textOf(message["content"]));
    const isUsers = message["role"] === "user";
    const files = listOf(message["files"]).length;
    if (files > 0) left.push({ where, what: "file", why: `${files} files are not in the export` });
    return {
      id,
      parent,
      sentMs: timeIn(message["timestamp"]),
      message:
        text === "" || message["role"] === "system"
          ? undefined
          : {
              role: isUsers ? "user" : "assistant",
              author: isUsers ? { self: true } : { model: textIn(message["model"]) ?? model },
              text,
              thinking,
            },
    };
  });
  const ordered = orderTree(nodes, idIn(history["currentId"]), where);
  left.push(...ordered.left);
  const source = idIn(outer["id"]) ?? idIn(chat["id"]);
  if (source === undefined) left.push({ where, what: "chat", why: "it has no id" });
  if (ordered.messages.length === 0) left.push({ where, what: "chat", why: "it has no message" });
  if (source === undefined || ordered.messages.length === 0) return { chats: [], left };
  return {
    chats: [
      {
        source: `openwebui:${source}`,
        title: textIn(outer["title"]) ?? textIn(chat["title"]) ?? "",
        kind: "assistant",
        createdMs: timeIn(outer["created_at"]) ?? timeIn(chat["timestamp"]),
        messages: ordered.messages,
        tip: ordered.tip,
        isWhole: true,
      },
    ],
    left,
  };
}

const textOf = (content: unknown): string =>
  typeof content === "string"
    ? content
    : listOf(content)
        .map((part) => textIn(fieldsOf(part)["text"]) ?? "")
        .filter(Boolean)
        .join("\n\n");

const REASONING = /<details\s+type="reasoning"[^>]*>([\s\S]*?)<\/details>\s*/g;

/** What a model thought stands in its text, in an element of its own. */
function apart(content: string): { text: string; thinking?: string | undefined } {
  if (!content.includes('type="reasoning"')) return { text: content };
  const thoughts = [...content.matchAll(REASONING)].map(([, inner = ""]) =>
    inner
      .replace(/<summary>[\s\S]*?<\/summary>/, "")
      .replaceAll(/^> ?/gm, "")
      .trim(),
  );
  const thinking = textIn(thoughts.filter(Boolean).join("\n\n"));
  return { text: content.replaceAll(REASONING, "").trim(), thinking };
}

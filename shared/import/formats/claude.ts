import type { Found, Left } from "../found.ts";
import { type Node, orderTree } from "./tree.ts";
import { type Fields, fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/** A conversation of Claude's export. */
export const isClaude = (value: unknown): boolean => isFields(value) && Array.isArray(value["chat_messages"]);

/** Where a conversation begins, as its first messages name it. */
const NO_PARENT = "00000000-0000-4000-8000-000000000000";

export function parseClaude(value: unknown, where: string): Found {
  const conversation = fieldsOf(value);
  const source = idIn(conversation["uuid"]);
  const left: Left[] = [];
  let previous: string | undefined;
  const found = listOf(conversation["chat_messages"]).map(fieldsOf);
  const isTree = found.some((message) => textIn(message["parent_message_uuid"]) !== undefined);
  const nodes = found.map((message, index): Node => {
    const id = idIn(message["uuid"]) ?? `#${index}`;
    const named = textIn(message["parent_message_uuid"]);
    const parent = isTree ? (named === NO_PARENT ? undefined : named) : previous;
    previous = id;
    const { text, thinking, why } = contentOf(message);
    for (const each of why) left.push({ where, what: each.what, why: each.why });
    const isUsers = message["sender"] === "human" || message["sender"] === "user";
    return {
      id,
      parent,
      sentMs: timeIn(message["created_at"]),
      message:
        text === ""
          ? undefined
          : {
              role: isUsers ? "user" : "assistant",
              author: isUsers ? { self: true } : { model: textIn(message["model"]) ?? "claude" },
              text,
              thinking,
            },
      thinking: text === "" ? thinking : undefined,
    };
  });
  const ordered = orderTree(nodes, idIn(conversation["current_leaf_message_uuid"]), where);
  left.push(...ordered.left);
  if (source === undefined) left.push({ where, what: "chat", why: "it has no id" });
  if (ordered.messages.length === 0) left.push({ where, what: "chat", why: "it has no message" });
  if (source === undefined || ordered.messages.length === 0) return { chats: [], left };
  return {
    chats: [
      {
        source: `claude:${source}`,
        title: textIn(conversation["name"]) ?? "",
        kind: "assistant",
        createdMs: timeIn(conversation["created_at"]),
        messages: ordered.messages,
        tip: ordered.tip,
        isWhole: true,
      },
    ],
    left,
  };
}

interface Content {
  readonly text: string;
  readonly thinking: string | undefined;
  readonly why: readonly Pick<Left, "what" | "why">[];
}

function contentOf(message: Fields): Content {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const why: Pick<Left, "what" | "why">[] = [];
  let tools = 0;
  for (const block of listOf(message["content"]).map(fieldsOf)) {
    const type = textIn(block["type"]) ?? "text";
    const text = textIn(block["text"]);
    if (type === "thinking") thoughts.push(textIn(block["thinking"]) ?? "");
    else if (/^tool_|_tool_/.test(type)) tools += 1;
    else if (text !== undefined) texts.push(text);
    else if (type !== "text") why.push({ what: "message", why: `content of the kind ${type.slice(0, 60)}` });
  }
  // Older exports have the text alone.
  const own = texts.length > 0 ? texts.join("\n\n") : (textIn(message["text"]) ?? "");
  const attached = listOf(message["attachments"]).map(fieldsOf).flatMap(attachmentText);
  if (tools > 0) why.push({ what: "message", why: `${tools} calls of tools and their results` });
  for (const file of listOf(message["files"]).map(fieldsOf)) {
    const name = textIn(file["file_name"]) ?? "a file";
    why.push({ what: "file", why: `${name.slice(0, 200)} is not in the export` });
  }
  return {
    text: [own, ...attached].filter((text) => text !== "").join("\n\n"),
    thinking: textIn(thoughts.filter(Boolean).join("\n\n")),
    why,
  };
}

/** What Claude had read out of an attachment stands for it: the attachment itself is not in the export. */
function attachmentText({ file_name: name, extracted_content: text }: Fields): string[] {
  const content = textIn(text);
  return content === undefined ? [] : [`${textIn(name) ?? "attachment"}:\n\n${content}`];
}

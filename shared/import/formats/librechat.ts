import type { Found, Left } from "../found.ts";
import { type Node, orderTree } from "./tree.ts";
import { type Fields, fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/** A conversation of LibreChat's export: its messages flat, or each within its parent. */
export const isLibreChat = (value: unknown): boolean =>
  isFields(value) &&
  textIn(value["conversationId"]) !== undefined &&
  (Array.isArray(value["messages"]) || Array.isArray(value["messagesTree"]));

const NO_PARENT = "00000000-0000-0000-0000-000000000000";

export function parseLibreChat(value: unknown, where: string): Found {
  const conversation = fieldsOf(value);
  const left: Left[] = [];
  const flat = flatten(listOf(conversation["messages"] ?? conversation["messagesTree"]));
  const model = textIn(fieldsOf(conversation["options"])["model"]) ?? textIn(conversation["endpoint"]);
  let previous: string | undefined;
  const isTree = flat.some(({ fields }) => textIn(fields["parentMessageId"]) !== undefined);
  const nodes = flat.map(({ fields, within }, index): Node => {
    const id = idIn(fields["messageId"]) ?? `#${index}`;
    const named = textIn(fields["parentMessageId"]) ?? within;
    const parent = isTree || within !== undefined ? named : previous;
    previous = id;
    const { text, thinking, why } = contentOf(fields);
    if (why !== undefined) left.push({ where, what: "message", why });
    const isUsers = fields["isCreatedByUser"] === true || fields["sender"] === "User";
    const by = textIn(fields["model"]) ?? model ?? textIn(fields["sender"]) ?? "model";
    return {
      id,
      parent: parent === NO_PARENT ? undefined : parent,
      sentMs: timeIn(fields["createdAt"]),
      message:
        text === ""
          ? undefined
          : {
              role: isUsers ? "user" : "assistant",
              author: isUsers ? { self: true } : { model: by },
              text,
              thinking,
            },
    };
  });
  const ordered = orderTree(nodes, undefined, where);
  left.push(...ordered.left);
  if (ordered.messages.length === 0) {
    return { chats: [], left: [...left, { where, what: "chat", why: "it has no message" }] };
  }
  return {
    chats: [
      {
        source: `librechat:${String(conversation["conversationId"])}`,
        title: textIn(conversation["title"]) ?? "",
        kind: "assistant",
        createdMs: timeIn(conversation["createdAt"]),
        messages: ordered.messages,
        tip: ordered.tip,
        isWhole: true,
      },
    ],
    left,
  };
}

interface Flat {
  readonly fields: Fields;
  /** The message that it stands in. */
  readonly within: string | undefined;
}

function flatten(messages: readonly unknown[]): Flat[] {
  const flat: Flat[] = messages.map((message) => ({ fields: fieldsOf(message), within: undefined }));
  // What is added is gone through too.
  for (const { fields } of flat) {
    const within = idIn(fields["messageId"]);
    for (const child of listOf(fields["children"])) flat.push({ fields: fieldsOf(child), within });
  }
  return flat;
}

function contentOf(fields: Fields): { text: string; thinking?: string | undefined; why?: string } {
  const texts: string[] = [];
  const thoughts: string[] = [];
  let others = 0;
  for (const part of listOf(fields["content"]).map(fieldsOf)) {
    const { text, think } = part;
    if (part["type"] === "think") thoughts.push(textIn(think) ?? textIn(fieldsOf(think)["value"]) ?? "");
    else if (part["type"] === "text") texts.push(textIn(text) ?? textIn(fieldsOf(text)["value"]) ?? "");
    else others += 1;
  }
  const own = texts.filter(Boolean).join("\n\n");
  return {
    text: own === "" ? (textIn(fields["text"]) ?? "") : own,
    thinking: textIn(thoughts.filter(Boolean).join("\n\n")),
    ...(others === 0 ? {} : { why: `${others} calls of tools, images or other parts` }),
  };
}

import { fingerprint } from "../../platform/ids.ts";
import type { Found, FoundFile, Left } from "../found.ts";
import { type Node, orderTree } from "./tree.ts";
import { type Fields, fieldsOf, idIn, isFields, listOf, textIn, timeIn } from "./values.ts";

/** A conversation of ChatGPT's export: a tree of nodes, each with a message or none. */
export const isChatGpt = (value: unknown): boolean => isFields(value) && isFields(value["mapping"]);

export function parseChatGpt(value: unknown, where: string): Found {
  const conversation = fieldsOf(value);
  const mapping = fieldsOf(conversation["mapping"]);
  const fallbackModel = textIn(conversation["default_model_slug"]) ?? "chatgpt";
  const left: Left[] = [];
  let tools = 0;
  const nodes = Object.entries(mapping).map(([id, found]): Node => {
    const node = fieldsOf(found);
    const message = fieldsOf(node["message"]);
    const read = readMessage(message, fallbackModel);
    if (read.why === "tool") tools += 1;
    else if (read.why !== undefined) left.push({ where, what: "message", why: read.why });
    return {
      id,
      parent: idIn(node["parent"]),
      sentMs: timeIn(message["create_time"]),
      message: read.message,
      thinking: read.thinking,
    };
  });
  const ordered = orderTree(nodes, idIn(conversation["current_node"]), where);
  if (tools > 0) left.push({ where, what: "message", why: `${tools} calls of tools and their results` });
  left.push(...ordered.left);
  if (ordered.messages.length === 0) {
    return { chats: [], left: [...left, { where, what: "chat", why: "it has no message" }] };
  }
  const source = idIn(conversation["conversation_id"]) ?? idIn(conversation["id"]);
  return {
    chats: [
      {
        source: `chatgpt:${source ?? fingerprint(...Object.keys(mapping).slice(0, 3))}`,
        title: textIn(conversation["title"]) ?? "",
        kind: "assistant",
        createdMs: timeIn(conversation["create_time"]),
        messages: ordered.messages,
        tip: ordered.tip,
        isWhole: true,
      },
    ],
    left,
  };
}

interface Read {
  readonly message?: Node["message"];
  readonly thinking?: string | undefined;
  /** Why it is left out, where that is to be said; `tool` for what tools were asked and replied. */
  readonly why?: string | undefined;
}

const UNSEEN: Read = {};

function readMessage(message: Fields, fallbackModel: string): Read {
  const metadata = fieldsOf(message["metadata"]);
  const role = textIn(fieldsOf(message["author"])["role"]);
  const content = fieldsOf(message["content"]);
  if (role === undefined || metadata["is_visually_hidden_from_conversation"] === true) return UNSEEN;
  const type = textIn(content["content_type"]) ?? "text";
  if (type === "thoughts") return { thinking: thoughtsIn(content) };
  if (UNSEEN_TYPES.has(type)) return UNSEEN;
  const read = contentOf(type, content);
  const files = [...read.files, ...attachmentsIn(metadata)];
  const isToTool = textIn(message["recipient"]) !== undefined && message["recipient"] !== "all";
  if (role === "tool" && read.files.length === 0) return read.text === "" ? UNSEEN : { why: "tool" };
  if (role !== "tool" && isToTool) return { why: "tool" };
  if (read.text === "" && files.length === 0) {
    return read.isUnknown ? { why: `content of the kind ${type.slice(0, 60)}` } : UNSEEN;
  }
  // What the conversation was set up with is no message to anybody.
  if (role === "system") return UNSEEN;
  const isUsers = role === "user";
  return {
    message: {
      role: isUsers ? "user" : "assistant",
      author: isUsers ? { self: true } : { model: textIn(metadata["model_slug"]) ?? fallbackModel },
      text: role === "tool" ? "" : read.text,
      ...(files.length === 0 ? {} : { files }),
    },
    why: read.isUnknown ? `a part of a message, of the kind ${read.unknown}` : undefined,
  };
}

/** Set-up and summaries of work, which ChatGPT shows nobody as messages. */
const UNSEEN_TYPES = new Set(["user_editable_context", "model_editable_context", "reasoning_recap"]);

function thoughtsIn(content: Fields): string | undefined {
  const thoughts = listOf(content["thoughts"]).map((thought) => {
    const { summary, content: text } = fieldsOf(thought);
    return [textIn(summary), textIn(text)].filter(Boolean).join("\n");
  });
  return textIn(thoughts.filter(Boolean).join("\n\n"));
}

interface Content {
  readonly text: string;
  readonly files: readonly FoundFile[];
  readonly isUnknown: boolean;
  readonly unknown?: string | undefined;
}

function contentOf(type: string, content: Fields): Content {
  const whole = textIn(content["text"]) ?? textIn(content["result"]) ?? "";
  switch (type) {
    case "code": {
      const language = textIn(content["language"]) ?? "";
      const fence = /^[\w+#-]+$/.test(language) && language !== "unknown" ? language : "";
      return plain(whole === "" ? "" : `\`\`\`${fence}\n${whole}\n\`\`\``);
    }
    case "tether_quote":
      return plain(
        [textIn(content["title"]), textIn(content["url"]), whole && `> ${whole.replaceAll("\n", "\n> ")}`]
          .filter(Boolean)
          .join("\n"),
      );
    default:
      return Array.isArray(content["parts"])
        ? partsOf(content["parts"])
        : { ...plain(whole), isUnknown: whole === "" && type !== "text" };
  }
}

const plain = (text: string): Content => ({ text: withoutMarks(text), files: [], isUnknown: false });

function partsOf(parts: readonly unknown[]): Content {
  const texts: string[] = [];
  const files: FoundFile[] = [];
  let unknown: string | undefined;
  for (const part of parts) {
    if (typeof part === "string") {
      texts.push(part);
      continue;
    }
    const fields = fieldsOf(part);
    const type = textIn(fields["content_type"]) ?? "nothing";
    const key = keyOfAsset(fields["asset_pointer"]);
    const text = textIn(fields["text"]);
    if (type === "image_asset_pointer" && key !== undefined) files.push({ key, name: "image" });
    else if (text !== undefined) texts.push(text);
    // The sound of what is written beside it.
    else if (!/audio/.test(type) && part !== null) unknown = type.slice(0, 60);
  }
  const text = withoutMarks(texts.filter((each) => each !== "").join("\n\n"));
  return { text, files, isUnknown: unknown !== undefined, unknown };
}

/** `file-service://file-AbC` and `sediment://file_00ab#…` name what lies in the archive. */
function keyOfAsset(pointer: unknown): string | undefined {
  const [, key] = /^[a-z-]+:\/\/(file[-_][\w-]+)/.exec(textIn(pointer) ?? "") ?? [];
  return key;
}

const attachmentsIn = (metadata: Fields): FoundFile[] =>
  listOf(metadata["attachments"]).flatMap((attachment) => {
    const { id, name } = fieldsOf(attachment);
    const key = textIn(id);
    return key === undefined ? [] : [{ key, name: textIn(name) ?? "file" }];
  });

/** Marks of sources between signs of the private use area, which ChatGPT's page shows as links. */
const withoutMarks = (text: string): string =>
  text.replaceAll(/\uE200[^\uE200\uE201]*\uE201/g, "").replaceAll(/[\uE200-\uE206]/g, "");

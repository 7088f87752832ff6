import type { Found, FoundAuthor } from "../found.ts";
import { fieldsOf, idIn, listOf, textIn, timeIn } from "./values.ts";

/** What Slack's export says of its people and channels. */
export interface SlackNames {
  readonly people: Readonly<Record<string, { readonly name: string; readonly email?: string }>>;
  /** Folder → the channel's id and name. */
  readonly channels: Readonly<
    Record<string, { readonly id: string; readonly name: string; readonly members: readonly string[] }>
  >;
}

/** Reads users.json, and one of channels.json, groups.json, mpims.json and dms.json. */
export function slackNames(users: unknown, channels: readonly unknown[]): SlackNames {
  const people = listOf(users).map((user) => {
    const fields = fieldsOf(user);
    const profile = fieldsOf(fields["profile"]);
    const name =
      textIn(profile["display_name"]) ?? textIn(profile["real_name"]) ?? textIn(fields["name"]) ?? "Somebody";
    const email = textIn(profile["email"]);
    return [idIn(fields["id"]) ?? "", { name, ...(email === undefined ? {} : { email }) }] as const;
  });
  const named = channels.flatMap(listOf).map((channel) => {
    const fields = fieldsOf(channel);
    const id = idIn(fields["id"]) ?? "";
    // Direct messages have no name; their folder is called by their id.
    const name = textIn(fields["name"]) ?? id;
    const members = listOf(fields["members"]).flatMap((member) => idIn(member) ?? []);
    return [name, { id, name, members }] as const;
  });
  return { people: Object.fromEntries(people), channels: Object.fromEntries(named) };
}

/** What comes and goes without a word. */
const EVENTS =
  /^(?:channel|group|pinned_item|reminder|huddle)_|^bot_(?:add|remove|enable|disable)|^(?:joiner_notification|tombstone|file_comment)/;

/** A message of a day of a channel. */
export function parseSlackMessage(
  value: unknown,
  { channel, names }: { readonly channel: string; readonly names: SlackNames },
  where: string,
): Found {
  const message = fieldsOf(value);
  const subtype = textIn(message["subtype"]);
  if (message["type"] !== "message")
    return { chats: [], left: [{ where, what: "row", why: "it is no message" }] };
  if (subtype !== undefined && EVENTS.test(subtype)) return { chats: [], left: [] };
  const files = listOf(message["files"]).map((file) => textIn(fieldsOf(file)["name"]) ?? "a file");
  const left = files.map((name) => ({
    where,
    what: "file" as const,
    why: `${name.slice(0, 200)} is not in the export`,
  }));
  const text = [
    plainText(textIn(message["text"]) ?? "", names),
    ...attachedTexts(message["attachments"], names),
  ]
    .filter((each) => each !== "")
    .join("\n\n");
  const shown = text === "" ? files.map((name) => `[${name}]`).join(" ") : text;
  const ts = idIn(message["ts"]);
  if (ts === undefined || shown === "") {
    return { chats: [], left: [...left, { where, what: "message", why: "it has no text" }] };
  }
  const known = names.channels[channel];
  return {
    chats: [
      {
        source: `slack:${known?.id ?? channel}`,
        title: known?.name ?? channel,
        kind: "group",
        createdMs: timeIn(ts),
        people: known?.members.flatMap((id) => names.people[id] ?? []),
        isWhole: false,
        messages: [
          {
            id: `${ts}.${idIn(message["user"]) ?? idIn(message["bot_id"]) ?? ""}`,
            role: "user",
            author: authorOf(message, names),
            text: shown,
            sentMs: timeIn(ts),
          },
        ],
      },
    ],
    left,
  };
}

function authorOf(message: Readonly<Record<string, unknown>>, { people }: SlackNames): FoundAuthor {
  const id = idIn(message["user"]) ?? "";
  const person = Object.hasOwn(people, id) ? people[id] : undefined;
  const profile = fieldsOf(message["user_profile"]);
  const name = textIn(message["username"]) ?? textIn(profile["real_name"]) ?? textIn(id) ?? "Somebody";
  return person ?? { name };
}

const attachedTexts = (attachments: unknown, names: SlackNames): string[] =>
  listOf(attachments).map((attachment) => {
    const { text, fallback } = fieldsOf(attachment);
    return plainText(textIn(text) ?? textIn(fallback) ?? "", names);
  });

/** Slack writes mentions, links and three signs in a way of its own. */
function plainText(text: string, { people }: SlackNames): string {
  return text
    .replaceAll(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (_, id: string) =>
      Object.hasOwn(people, id) ? `@${people[id]?.name}` : `@${id}`,
    )
    .replaceAll(/<#[A-Z0-9]+\|([^>]*)>/g, "#$1")
    .replaceAll(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, "@$1")
    .replaceAll(/<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>/g, (_, url: string, label?: string) =>
      label === undefined || label === "" || url.endsWith(label) ? url : `${label} (${url})`,
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

import { type ChatHandle, chatHandle } from "../chat-handle.ts";
import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError } from "../../platform/errors.ts";
import { type Mention, type NewMessage, QUOTE_CHARS_MAX } from "../contract.ts";
import { readAccessible, readVisible } from "../read/read-messages.ts";
import { type FoundMessage, findMessage } from "../store.ts";
import { type Body, type Forward, lineOf, type Quote } from "./body.ts";
import type { ChatDeps } from "./chat-log.ts";
import { excerpt } from "./head.ts";
import { demandRanges, mayMention, mentionsIn } from "./mentions.ts";
import type { StoredMessage, ThreadRoot } from "./message.ts";
import { isVisible } from "./sight.ts";

/**
 * What a message says, with what it quotes and forwards and whom it mentions, and the thread that it is part
 * of. 2 reads for a reply, 2 for a forward; for a text that may name somebody 1, and 1 for each member of a
 * group of at most NAMED_MEMBERS_MAX.
 * @throws AppError `not_found`, `invalid_request`
 */
export async function composeBody(
  deps: ChatDeps,
  chat: ChatHandle,
  sender: Principal,
  { text = "", replyTo, forwardOf, mentions }: NewMessage,
): Promise<{
  readonly body: Body;
  readonly thread: ThreadRoot | undefined;
  /** The files of a forwarded message, which come along. */
  readonly forwarded: readonly string[];
}> {
  const [replied, forwarding, named] = await Promise.all([
    replyTo === undefined ? undefined : repliedTo(deps, chat, sender, replyTo),
    forwardOf === undefined ? undefined : forwardFrom(deps, chat.app, sender, forwardOf),
    mentionsFor(deps, chat, sender, { text, mentions }),
  ]);
  const quote = replied && quoting(replied.stored);
  const forward = forwarding?.forward;
  const thread = replied && (replied.stored.thread ?? { number: replied.stored.number, id: replied.ref.id });
  const forwarded = forwarding?.files ?? [];
  return { body: { text, quote, forward, mentions: named }, thread, forwarded };
}

/**
 * Whom a text mentions: those whom its author says, or those whom it names. @throws AppError
 * `invalid_request`
 */
export async function mentionsFor(
  deps: ChatDeps,
  chat: ChatHandle,
  author: Principal,
  { text, mentions }: { readonly text: string; readonly mentions?: readonly Mention[] | undefined },
): Promise<readonly Mention[] | undefined> {
  if (mentions !== undefined) {
    demandRanges(text, mentions);
    return mentions;
  }
  if (!mayMention(text)) return undefined;
  const { kind, members } = await readAccessible(deps, chat, author);
  return kind === "assistant" ? undefined : mentionsIn(chat.app, members, text);
}

/** 2 reads. */
async function repliedTo(
  deps: ChatDeps,
  chat: ChatHandle,
  sender: Principal,
  number: number,
): Promise<FoundMessage> {
  const [found, head] = await Promise.all([findMessage(chat, number), readAccessible(deps, chat, sender)]);
  if (
    found === undefined ||
    found.stored.status === "deleted" ||
    !isVisible(head, sender.id, found.stored) ||
    found.stored.event !== undefined
  ) {
    throw new AppError("invalid_request", "The message replied to does not exist.", {
      errors: [{ path: "replyTo", message: "must be the number of a message of this chat" }],
    });
  }
  return found;
}

/** A message as a reply quotes it. */
export const quoting = ({ number, sender, body, status }: StoredMessage): Quote => ({
  message: number,
  sender,
  text: status === "deleted" ? "" : excerpt(lineOf(body), QUOTE_CHARS_MAX),
});

/** Comments that a forward carries along with the original. */
export const FORWARD_DEPTH_MAX = 3;

/** Forwarding a forward keeps the original source, and what was said about it on the way. 2 reads. */
async function forwardFrom(
  deps: ChatDeps,
  app: App,
  sender: Principal,
  { chat, message }: { readonly chat: number; readonly message: number },
): Promise<{ readonly forward: Forward; readonly files: readonly string[] }> {
  const refuse = (): AppError =>
    new AppError("invalid_request", "The message to forward does not exist.", {
      errors: [{ path: "forwardOf", message: "must be a message of a chat that you can read" }],
    });
  const found = await readVisible(deps, chatHandle(app, chat), sender, message).catch((cause: unknown) => {
    throw cause instanceof AppError && cause.code === "not_found" ? refuse() : cause;
  });
  if (found.stored.status === "deleted" || found.stored.hidden) throw refuse();
  const { body, sender: by, createdAt } = found.stored;
  const files = (body.files ?? []).map(({ id }) => id);
  if (body.text === "" && body.forward !== undefined) return { forward: body.forward, files };
  const of = body.forward && shortened(body.forward, FORWARD_DEPTH_MAX - 1);
  const { text } = body;
  return {
    forward: { chat, message, sender: by, text, createdAt, ...(of === undefined ? {} : { of }) },
    files,
  };
}

/** The original stays, whatever was said about it. */
function shortened(forward: Forward, depth: number): Forward {
  if (forward.of === undefined) return forward;
  const of = shortened(forward.of, depth - 1);
  return depth > 1 ? { ...forward, of } : of;
}

import type { Message } from "../chat/contract.ts";
import type { MessageTree } from "./message-tree.ts";
import type { Draft } from "./outbox.ts";

/** Which messages were drafts here, so that each is shown once, and in its place from the beginning. */
export interface DraftClaims {
  /** Those that are not among the messages yet. */
  shown(drafts: readonly Draft[]): readonly Draft[];
  /** The name under which a message is shown. */
  keyOf(message: Message): string;
  /** The answer says which message a draft has become. */
  took(draft: Draft, message: Message): void;
}

export function createDraftClaims(tree: MessageTree, me: string): DraftClaims {
  /** Keys of drafts by the numbers that their messages got. */
  const keys = new Map<number, string>();
  /** The newest message when a draft was first seen on its way. */
  const before = new Map<string, number>();

  const isMine = ({ sender }: Message): boolean => "id" in sender && sender.id === me;

  /** A message of one's own may be told before its answer has come: it then is the draft, and not another. */
  const claim = ({ key, state, message: { text } }: Draft): Message | undefined => {
    if (state !== "sending") return undefined;
    const since = before.get(key) ?? tree.newest;
    before.set(key, since);
    for (let at = since + 1; at <= tree.newest; at += 1) {
      const message = tree.get(at);
      if (message === undefined || !isMine(message)) continue;
      const isFree = (keys.get(at) ?? key) === key;
      if (isFree && message.text === (text ?? message.text)) return message;
    }
    return undefined;
  };

  return {
    shown: (drafts) =>
      drafts.filter((draft) => {
        const message = claim(draft);
        if (message !== undefined) keys.set(message.number, draft.key);
        return message === undefined;
      }),
    keyOf: ({ number }) => keys.get(number) ?? `m${number}`,
    took({ key }, { number }) {
      for (const [at, other] of keys) if (other === key && at !== number) keys.delete(at);
      keys.set(number, key);
      before.delete(key);
    },
  };
}

import { AppError } from "../../platform/errors.ts";
import type { DocumentReference } from "../../platform/firestore.ts";
import { FieldValue, Timestamp } from "../../platform/firestore-values.ts";
import type { Proof } from "../../platform/head-change.ts";
import { movedTo } from "../files/attach-files.ts";
import { type Body, encodeBody, lineOf, textOf } from "./body.ts";
import { findAccessible, latestWith, type MessageAddress } from "./change-message.ts";
import { access, advance } from "./head.ts";
import { withoutSilent, withSilent } from "./silent.ts";
import type { ChatDeps } from "./chat-log.ts";
import { type FoundMessage, serverTime } from "../store.ts";

/**
 * Withholds what a message says from everybody, in one commit that moves its body to the report: search,
 * quotes and excerpts follow as after an edit. Hiding it again changes nothing. Costs 1 query, 1 read, 1
 * commit, 3 writes, 1 publish.
 * @throws AppError `not_found`, `conflict` for a deleted message
 */
export async function hideMessage(
  deps: ChatDeps,
  address: MessageAddress,
  report: DocumentReference,
): Promise<void> {
  await setBody(deps, address, ({ stored }) =>
    stored.hidden === true
      ? undefined
      : { body: { text: "" }, hidden: true, kept: { ref: report, fields: [["withheld", stored.body]] } },
  );
}

/**
 * The same, for what the app's hook says: `records` are created in the same commit, so it is known that it
 * was done. Done again, or once the text is another, it changes nothing.
 */
export async function hideJudged(
  deps: ChatDeps,
  address: MessageAddress,
  {
    isTheText,
    proof,
    fingerprint,
    records,
  }: {
    readonly isTheText: (found: FoundMessage) => boolean;
    readonly proof: DocumentReference;
    readonly fingerprint: string;
    readonly records: (
      withheld: Body,
    ) => readonly { readonly ref: DocumentReference; readonly data: object }[];
  },
): Promise<void> {
  await setBody(
    deps,
    address,
    (found) =>
      isTheText(found)
        ? { body: { text: "" }, hidden: true, kept: undefined, create: records(found.stored.body) }
        : undefined,
    { ref: proof, fingerprint, result: () => undefined },
  );
}

/** Shows it again. Costs the same. @throws AppError `not_found`, `conflict` for a deleted message */
export async function showMessage(deps: ChatDeps, address: MessageAddress, body: Body): Promise<void> {
  await setBody(deps, address, ({ stored }) =>
    stored.hidden === true ? { body, hidden: FieldValue.delete(), kept: undefined } : undefined,
  );
}

interface Replacement {
  readonly body: Body;
  readonly hidden: true | FieldValue;
  /** Where the body before goes. */
  readonly kept:
    | { readonly ref: DocumentReference; readonly fields: readonly (readonly [string, unknown])[] }
    | undefined;
  readonly create?: readonly { readonly ref: DocumentReference; readonly data: object }[];
}

async function setBody(
  deps: ChatDeps,
  address: MessageAddress,
  replace: (found: FoundMessage) => Replacement | undefined,
  proof?: Proof<void>,
): Promise<void> {
  const { chat, number, principal } = address;
  const at = Timestamp.fromMillis(deps.clock.now());
  let found: FoundMessage;
  await deps.chatLog.chats.change<void>(chat.ref, {
    async prepare() {
      found = await findAccessible(deps, address);
    },
    decide(head) {
      access(head, principal);
      const { ref, stored, updateTime } = found;
      if (stored.status === "deleted" && proof === undefined) {
        throw new AppError("conflict", "The message has been deleted.");
      }
      const replacement = replace(found);
      if (replacement === undefined) return { head, create: [], bytes: 0, result: undefined };
      const { body, hidden, kept, create = [] } = replacement;
      const next = advance(head, at, {
        ...latestWith(head, number, lineOf(body)),
        silent: hidden === true ? withSilent(head.silent, number) : withoutSilent(head.silent, number),
      });
      const fields = Object.entries({
        body: encodeBody(body),
        hidden,
        silent: hidden === true,
        revision: next.revision,
        changedAt: serverTime(),
      });
      const update = [{ ref, fields, lastUpdateTime: updateTime }, ...(kept === undefined ? [] : [kept])];
      const merge = movedTo(chat, number, {
        files: (hidden === true ? stored.body : body).files,
        place: hidden === true ? "hidden" : "chats",
        at,
      });
      const bytes = textOf(create.length === 0 ? body : stored.body).length * 3;
      return { head: next, create, update, merge, bytes, result: undefined };
    },
    ...(proof === undefined ? {} : { proof }),
  });
}

import { demandStored } from "../../platform/stored.ts";
import { AppError } from "../../platform/errors.ts";
import { Timestamp } from "../../platform/firestore-values.ts";
import { type Proof, recall } from "../../platform/head-change.ts";
import { derivedId, fingerprint } from "../../platform/ids.ts";
import type { MetadataChange } from "../../platform/contract.ts";
import { changedMetadata, isSameMetadata } from "../../platform/metadata.ts";
import type { Message } from "../contract.ts";
import { findMessage, type FoundMessage, serverTime } from "../store.ts";
import type { ChatDeps } from "./chat-log.ts";
import {
  demandExpected,
  type Expected,
  findChangeable,
  isOwn,
  type MessageAddress,
} from "./change-message.ts";
import { requestRecord } from "./create-chat.ts";
import { accessToWrite, advance } from "./head.ts";
import { messageView } from "./message.ts";

interface MetadataRequest {
  readonly metadata: MetadataChange;
  readonly requestKey: string | undefined;
}

/**
 * Changes what is noted at a message, and not what it says: it is not an edit. Idempotent. Costs 1 query, 1
 * read, 1 commit and 2 writes (3 with a key), 1 publish.
 * @throws AppError `not_found`, `forbidden` to anyone but its sender or the asker of an answer, `conflict`
 * for a deleted or hidden message, `precondition_failed`, `invalid_request` beyond METADATA_PAIRS_MAX
 */
export async function changeMessageMetadata(
  deps: ChatDeps,
  address: MessageAddress,
  { metadata, requestKey, expected }: MetadataRequest & { readonly expected: Expected },
): Promise<Message> {
  const { chat, principal } = address;
  const at = Timestamp.fromMillis(deps.clock.now());
  let found = await findChangeable(deps, address);
  let isFirst = true;
  const proof =
    requestKey === undefined ? undefined : metadataProof(address, { metadata, requestKey }, () => found);
  const { result } = await deps.chatLog.chats.change<Message>(chat.ref, {
    async prepare() {
      if (!isFirst) found = await findChangeable(deps, address);
      isFirst = false;
    },
    decide(head) {
      accessToWrite(head, principal);
      const { ref, stored, updateTime } = found;
      if (!isOwn(head, stored, principal)) throw new AppError("forbidden", "Only who sent it may change it.");
      demandExpected(stored, expected);
      const next = changedMetadata(stored.metadata, metadata);
      const record = proof && {
        ref: proof.ref,
        data: requestRecord(head.number, proof.fingerprint, at),
      };
      const create = record === undefined ? [] : [record];
      if (isSameMetadata(stored.metadata, next)) {
        return { head, create: [], bytes: 0, result: messageView(ref.id, stored) };
      }
      const moved = advance(head, at, {});
      const fields = Object.entries({ metadata: next, revision: moved.revision, changedAt: serverTime() });
      return {
        head: moved,
        create,
        update: [{ ref, fields, lastUpdateTime: updateTime }],
        bytes: JSON.stringify(next).length * 3,
        result: messageView(ref.id, { ...stored, metadata: next, revision: moved.revision }),
      };
    },
    ...(proof === undefined ? {} : { proof }),
  });
  return result;
}

const metadataProof = (
  { chat, number, principal }: MessageAddress,
  { metadata, requestKey }: { readonly metadata: MetadataChange; readonly requestKey: string },
  found: () => FoundMessage,
): Proof<Message> => ({
  ref: chat.app
    .collection("requests")
    .doc(derivedId("metadata", chat.app.id, String(chat.number), String(number), principal.id, requestKey)),
  fingerprint: fingerprint(JSON.stringify(metadata)),
  result: () => {
    const { ref, stored } = found();
    return messageView(ref.id, demandStored(stored));
  },
});

/** The message that a request changed, as it is now; undefined when it changed none. 2 reads. */
export async function recallMetadata(
  address: MessageAddress,
  request: { readonly metadata: MetadataChange; readonly requestKey: string },
): Promise<Message | undefined> {
  const found = await findMessage(address.chat, address.number);
  return found && recall(metadataProof(address, request, () => found));
}

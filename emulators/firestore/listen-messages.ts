import { writeDocument, writeTime } from "./respond.ts";
import type { StoredDocument } from "./store.ts";
import type { Micros } from "./time.ts";
import { WireWriter } from "./wire.ts";

/**
 * The messages of Listen, encoded by hand: one that goes to a thousand listeners is encoded once.
 * The numbers are those of `ListenResponse` and the messages inside it.
 */
const writer = new WireWriter();

type TargetChangeType = "NO_CHANGE" | "ADD" | "REMOVE" | "CURRENT" | "RESET";
const TYPE_NUMBERS: Record<TargetChangeType, number> = {
  NO_CHANGE: 0,
  ADD: 1,
  REMOVE: 2,
  CURRENT: 3,
  RESET: 4,
};

interface TargetChangeMessage {
  readonly type: TargetChangeType;
  /** Empty: all targets of the stream. */
  readonly targetIds?: readonly number[];
  readonly resumeToken?: Buffer;
  readonly readTime?: Micros;
  readonly cause?: { readonly code: number; readonly message: string };
}

export function targetChange(message: TargetChangeMessage): Buffer {
  writer.reset();
  const start = writer.open(2);
  if (message.type !== "NO_CHANGE") writer.varintField(1, TYPE_NUMBERS[message.type]);
  for (const id of message.targetIds ?? []) writer.int64Field(2, BigInt(id));
  if (message.cause !== undefined) {
    const at = writer.open(3);
    writer.varintField(1, message.cause.code);
    writer.stringField(2, message.cause.message);
    writer.close(at);
  }
  if (message.resumeToken !== undefined) writer.bytesField(4, message.resumeToken);
  if (message.readTime !== undefined) writeTime(writer, 6, message.readTime);
  writer.close(start);
  return writer.finish();
}

/** What a listener is told of a document: its new state, that it is gone, or that it is out of view. */
export type Notice =
  | { readonly kind: "changed"; readonly name: string; readonly document: StoredDocument }
  | { readonly kind: "deleted" | "removed"; readonly name: string };

export function noticeMessage(notice: Notice, targetId: number, readTime: Micros): Buffer {
  writer.reset();
  const { name } = notice;
  if (notice.kind === "changed") {
    const start = writer.open(3);
    writeDocument(writer, 1, { name, document: notice.document });
    writer.int64Field(5, BigInt(targetId));
    writer.close(start);
    return writer.finish();
  }
  const deleted = notice.kind === "deleted";
  const start = writer.open(deleted ? 4 : 6);
  writer.stringField(1, name);
  if (!deleted) writer.int64Field(2, BigInt(targetId));
  writeTime(writer, 4, readTime);
  if (deleted) writer.int64Field(6, BigInt(targetId));
  writer.close(start);
  return writer.finish();
}

export function existenceFilter(targetId: number, count: number): Buffer {
  writer.reset();
  const start = writer.open(5);
  writer.int64Field(1, BigInt(targetId));
  writer.varintField(2, count);
  writer.close(start);
  return writer.finish();
}

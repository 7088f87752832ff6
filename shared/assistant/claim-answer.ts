import type { StoredAnswer, StoredMessage } from "../chat/message.ts";
import { messagesOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError, GRPC, grpcCode } from "../platform/errors.ts";
import { type DocumentReference, Timestamp } from "../platform/firestore.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import { ATTEMPTS_MAX } from "./contract.ts";
import { readSegments, type SegmentEnd } from "./segments.ts";

/** An attempt is trusted to be alive for so long after its last sign: its claim, a renewal, a segment. */
export const LEASE_MS = 30_000;

export type AnswerMessage = StoredMessage & { readonly answer: StoredAnswer };

/** What is to be done about an answer by whoever has claimed it. */
export type Claim =
  /** Nothing: it is finished, or gone. */
  | { readonly kind: "done" }
  /** Ask a model. */
  | { readonly kind: "ask"; readonly epoch: number; readonly message: AnswerMessage }
  /** Store what an attempt before has brought to its end, and paid for. */
  | {
      readonly kind: "keep";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly text: string;
      readonly end: SegmentEnd;
    }
  /** Let it go: stopped, or tried too often. */
  | {
      readonly kind: "end";
      readonly epoch: number;
      readonly message: AnswerMessage;
      readonly text: string;
      readonly status: "stopped" | "failed";
    };

/**
 * Claims an answer for one attempt: whoever comes while that lives is told to come again. Costs 1 read and 1 write; for
 * a later attempt also 1 query and a read for each segment of the one before.
 * @throws AppError `unavailable` while another attempt is alive
 */
export async function claimAnswer(deps: Deps, app: App, chat: number, id: string): Promise<Claim> {
  const ref = messagesOf(app, chat).doc(id);
  for (;;) {
    const found = await within(READ_MS_MAX, ref.get());
    const message = found.data() as AnswerMessage | undefined;
    if (message === undefined || !isOpen(message)) return { kind: "done" };
    const { epoch, stop, leaseUntil } = message.answer;
    const left = epoch === 0 ? NOTHING : await readSegments(app, chat, id, epoch);
    if (left.end !== undefined) return { kind: "keep", epoch, message, text: left.text, end: left.end };
    const aliveUntilMs = Math.max(leaseUntil?.toMillis() ?? 0, left.lastMs + LEASE_MS);
    if (epoch > 0 && aliveUntilMs > deps.clock.now()) {
      throw new AppError("unavailable", "Another attempt at this answer is alive.", { retryAfterSeconds: 5 });
    }
    if (stop) return { kind: "end", epoch, message, text: left.text, status: "stopped" };
    if (epoch >= ATTEMPTS_MAX) return { kind: "end", epoch, message, text: "", status: "failed" };
    if (await take(deps, ref, epoch + 1, found.updateTime)) {
      return { kind: "ask", epoch: epoch + 1, message };
    }
  }
}

const NOTHING = { text: "", end: undefined, lastMs: 0 };

export const isOpen = ({ status }: Pick<StoredMessage, "status">): boolean =>
  status === "queued" || status === "streaming";

/** False when somebody else was faster. */
async function take(
  deps: Deps,
  ref: DocumentReference,
  epoch: number,
  lastUpdateTime: Timestamp | undefined,
): Promise<boolean> {
  const change = {
    status: "streaming",
    "answer.epoch": epoch,
    "answer.leaseUntil": Timestamp.fromMillis(deps.clock.now() + LEASE_MS),
  };
  try {
    await within(READ_MS_MAX, ref.update(change, lastUpdateTime === undefined ? {} : { lastUpdateTime }));
    return true;
  } catch (cause) {
    if (grpcCode(cause) === GRPC.failedPrecondition) return false;
    throw cause;
  }
}

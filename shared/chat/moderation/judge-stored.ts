import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { AppError, GRPC, grpcCode } from "../../platform/errors.ts";
import { enqueue } from "../../platform/task.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import type { Deps } from "../../platform/deps.ts";
import { chatHandle } from "../chat-handle.ts";
import { textOf } from "../log/body.ts";
import { type ChatDeps } from "../log/chat-log.ts";
import { hideJudged } from "../log/hide-message.ts";
import type { StoredMessage } from "../log/message.ts";
import { findMessage, type FoundMessage, headOf, readHead } from "../store.ts";
import { type JudgeTask, judgeTask } from "../tasks.ts";
import type { Followers } from "../upkeep/catch-up.ts";
import type { Hooks, Judgement } from "./hook.ts";
import { HOOK_ACTOR, hookReportRef, judgementRecords } from "./judgement.ts";

/** Tasks created at once. */
const ENQUEUED_AT_ONCE = 20;

/**
 * Has what was written since be judged: messages say themselves that they are to be, so an app without a hook
 * costs nothing here. 1 task for each.
 */
export const judgeFollower = (deps: Deps): Followers => ({
  async changed(app, head, messages, { revision }) {
    if (head.status !== "open") return;
    const waiting = messages.filter((message) => (message.toJudge ?? 0) > revision && isJudged(message));
    for (let from = 0; from < waiting.length; from += ENQUEUED_AT_ONCE) {
      const some = waiting.slice(from, from + ENQUEUED_AT_ONCE);
      await Promise.all(
        some.map(({ number, toJudge = 0 }) =>
          enqueue(deps, judgeTask, { app: app.id, chat: head.number, message: number, revision: toJudge }),
        ),
      );
    }
  },
  purged: () => Promise.resolve(),
});

const isJudged = ({ status, hidden }: StoredMessage): boolean => status === "complete" && hidden !== true;

/** The hook may hide what stands in any chat of its app, and nothing else. */
const HOOK: Principal = {
  id: HOOK_ACTOR,
  kind: "service",
  role: "service",
  scopes: new Set(["chat:any"]),
};

export interface JudgedStored {
  readonly decision: Judgement["decision"] | "superseded";
}

/**
 * Has the app's hook judge a message that stands, and carries out what it says; refusing comes too late and
 * hides. Once in effect: what was hidden or reported is known by the report, and a moderator's later decision
 * stays. A text that has been changed meanwhile is judged by the task of that change. 3 reads; hiding costs 2
 * reads, 4 writes and 1 publish more, reporting 2 writes.
 * @throws AppError `unavailable` when the hook fails and the app lets messages stand meanwhile: to be done
 * again; what Firestore throws
 */
export async function judgeStored(
  deps: ChatDeps & { readonly hooks: Hooks },
  app: App,
  { chat: number, message, revision }: JudgeTask,
): Promise<JudgedStored> {
  const hook = await deps.hooks.of(app);
  if (hook === undefined) return { decision: "superseded" };
  const chat = chatHandle(app, number);
  const [head, found] = await Promise.all([readHead(chat).then(headOf), findMessage(chat, message)]);
  if (head?.status !== "open" || found === undefined || !isTheText(found, revision)) {
    return { decision: "superseded" };
  }
  const { stored, ref } = found;
  const textId = `${ref.id}_${revision}`;
  const report = await within(READ_MS_MAX, hookReportRef(app, textId).get());
  if (report.exists) return { decision: "superseded" };
  const sender = "id" in stored.sender ? stored.sender.id : "";
  const { body } = stored;
  const judgement = await hook.judge({
    id: `msg_${textId}`,
    chat: { number, kind: head.kind },
    message: {
      number: message,
      sender,
      text: body.text,
      ...(body.forward === undefined ? {} : { forwarded: body.forward.text }),
      isEdit: stored.editedAt !== undefined,
    },
  });
  if (judgement.failed !== undefined && judgement.decision === "allow") {
    throw new AppError("unavailable", "The moderation hook did not answer.");
  }
  const about = { textId, chat: number, message, sender, withheld: undefined };
  if (judgement.decision === "report") {
    await createRecords(deps, judgementRecords(deps, app, judgement, about));
  } else if (judgement.decision !== "allow") {
    await hideJudged(
      deps,
      { chat, number: message, principal: HOOK },
      {
        isTheText: (now) => isTheText(now, revision),
        proof: hookReportRef(app, textId),
        fingerprint: textId,
        records: (withheld) => judgementRecords(deps, app, judgement, { ...about, withheld }),
      },
    );
  }
  return { decision: judgement.decision };
}

const isTheText = ({ stored }: FoundMessage, revision: number): boolean =>
  stored.toJudge === revision && isJudged(stored) && textOf(stored.body) !== "";

/** That they are there already is as good. */
async function createRecords(deps: Deps, records: ReturnType<typeof judgementRecords>): Promise<void> {
  const batch = deps.firestore.batch();
  for (const { ref, data } of records) batch.create(ref, data);
  try {
    await within(READ_MS_MAX, batch.commit());
  } catch (cause) {
    if (grpcCode(cause) !== GRPC.alreadyExists) throw cause;
  }
}

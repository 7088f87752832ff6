import type { App } from "../../identity/app.ts";
import type { Principal } from "../../identity/principal.ts";
import { GRPC, grpcCode } from "../../platform/errors.ts";
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
 * Has what was written and answered since be judged: messages say themselves that they are to be, so an app
 * without a hook costs nothing here. 1 task for each.
 */
export const judgeFollower = (deps: Deps): Followers => ({
  async changed(app, head, messages, { revision }) {
    if (head.status !== "open") return;
    const waiting = messages.filter((message) => (message.toJudge ?? 0) > revision && isJudged(message));
    for (let from = 0; from < waiting.length; from += ENQUEUED_AT_ONCE) {
      const some = waiting.slice(from, from + ENQUEUED_AT_ONCE);
      await Promise.all(
        some.map(({ number, toJudge = 0 }) =>
          enqueue(deps, judgeTask, {
            app: app.id,
            chat: head.number,
            message: number,
            revision: toJudge,
            failures: 0,
          }),
        ),
      );
    }
  },
  purged: () => Promise.resolve(),
});

/** An answer that was stopped says what was said until then. */
const isJudged = ({ status, hidden }: StoredMessage): boolean =>
  (status === "complete" || status === "stopped") && hidden !== true;

/** The hook may hide what stands in any chat of its app, and nothing else. */
const HOOK: Principal = {
  id: HOOK_ACTOR,
  kind: "service",
  role: "service",
  scopes: new Set(["chat:any"]),
};

export interface JudgedStored {
  readonly decision: Judgement["decision"] | "superseded" | "later";
}

/**
 * Has the app's hook judge a message that stands, and carries out what it says; refusing comes too late and
 * hides. Once in effect: what was hidden or reported is known by the report, and a moderator's later decision
 * stays. A text that has been changed meanwhile is judged by the task of that change. 3 reads; hiding costs 2
 * reads, 4 writes and 1 publish more, reporting 2 writes; a hook that fails 1 task.
 * @throws what Firestore and Cloud Tasks throw
 */
export async function judgeStored(
  deps: ChatDeps & { readonly hooks: Hooks },
  app: App,
  task: JudgeTask,
): Promise<JudgedStored> {
  const { chat: number, message, revision } = task;
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
  const { sender: author, body } = stored;
  const sender = "id" in author ? author.id : null;
  const judgement = await hook.judge({
    id: `msg_${textId}`,
    chat: { number, kind: head.kind },
    message: {
      number: message,
      sender: sender ?? "",
      ...("model" in author ? { model: author.model } : {}),
      text: body.text,
      ...(body.forward === undefined ? {} : { forwarded: body.forward.text }),
      ...(body.thinking === undefined ? {} : { thinking: body.thinking.text }),
      isEdit: stored.editedAt !== undefined,
    },
  });
  if (judgement.failed !== undefined && judgement.decision === "allow") return askLater(deps, task);
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

/** Four hours in all: longer than a deployment of somebody's that went wrong. */
export const HOOK_TRIES_MAX = 30;
const LATER_MS = 2_000;
const LATER_MS_MAX = 600_000;

/**
 * An app's hook that fails is the app's matter: it is asked again by a task of its own, later each time, and
 * neither counts as a failure of ours nor holds up the messages of others. 1 task.
 */
async function askLater(deps: Deps, task: JudgeTask): Promise<JudgedStored> {
  const failures = task.failures + 1;
  if (failures >= HOOK_TRIES_MAX) {
    deps.log.warn("moderation.given-up", { app: task.app, chat: task.chat, number: task.message });
    return { decision: "allow" };
  }
  const delayMs = Math.min(LATER_MS * 2 ** Math.min(task.failures, 20), LATER_MS_MAX);
  const options = { occasion: undefined, notBefore: deps.clock.now() + delayMs };
  await enqueue(deps, judgeTask, { ...task, failures }, options);
  return { decision: "later" };
}

const isTheText = ({ stored }: FoundMessage, revision: number): boolean =>
  stored.toJudge === revision &&
  isJudged(stored) &&
  (textOf(stored.body) !== "" || stored.body.thinking !== undefined);

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

import type { Followers } from "../chat/upkeep/catch-up.ts";
import type { StoredMessage } from "../chat/log/message.ts";
import type { Addition } from "../chat/usage.ts";
import type { App } from "../identity/app.ts";
import type { Clock } from "../platform/clock.ts";
import { FieldValue } from "../platform/firestore-values.ts";
import { type Outcome, outcomeWrites } from "../rollout/outcome.ts";
import type { AnswerMessage } from "./claim-answer.ts";

/**
 * Counts answers that have ended: each person's usage of the day, and the outcomes of versions that are
 * compared. The commit that records the answers as handled counts them, so each counts once. 1 write for each
 * asker and day, 1 for each rollout.
 */
export const answerCounter = (deps: { readonly clock: Clock }): Followers => ({
  changed: () => Promise.resolve(),
  purged: () => Promise.resolve(),
  additions(app, head, messages, progress) {
    const ended = messages.filter(
      (message): message is AnswerMessage => (message.answer?.endedRevision ?? 0) > progress.revision,
    );
    if (ended.length === 0) return [];
    const outcomes = ended.flatMap(outcomesOf);
    return [...usageOf(app, ended), ...outcomeWrites(app, head.number, outcomes, deps.clock.now())];
  },
});

function usageOf(app: App, ended: readonly AnswerMessage[]): Addition[] {
  const used = ended.filter(({ answer }) => answer.usage !== undefined);
  const byPerson = Map.groupBy(used, ({ createdAt, answer }) => {
    return `${createdAt.toDate().toISOString().slice(0, 10)}.${answer.asker}`;
  });
  return [...byPerson].map(([id, answers]) => {
    const sum = (value: (usage: NonNullable<AnswerMessage["answer"]["usage"]>) => number) =>
      FieldValue.increment(
        answers.reduce((so, { answer }) => so + (answer.usage === undefined ? 0 : value(answer.usage)), 0),
      );
    const [day = "", person = ""] = id.split(/\.(.*)/s);
    const fields = {
      day,
      person,
      answers: FieldValue.increment(answers.length),
      inputTokens: sum((usage) => usage.inputTokens),
      outputTokens: sum((usage) => usage.outputTokens),
      costMicros: sum((usage) => usage.costMicros),
    };
    return { ref: app.collection("personUsage").doc(id), fields };
  });
}

/** The chosen version has failed when another model answered in its place. Pure. */
export function outcomesOf({ status, answer }: StoredMessage): Outcome[] {
  const { trials = [], usage, served, language } = answer ?? {};
  return trials.map(({ name, trial, differs }): Outcome => ({
    kind: "answered",
    name,
    trial,
    language,
    ok: status !== "failed" && (served === undefined || served.as === "chosen"),
    latencyMs: usage?.latencyMs ?? 0,
    firstTokenMs: usage?.firstTokenMs,
    shadowDiffers: differs,
  }));
}

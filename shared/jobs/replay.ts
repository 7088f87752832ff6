import { runInContext } from "../platform/context.ts";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import type { DeadLetter } from "./contract.ts";
import { readForReplay, settleDeadLetter } from "./dead-letters.ts";

/** Where a function's deliveries come from. */
export type DeliveredBy = { readonly topic: string } | { readonly queue: string };

export interface ReplayDeps extends Deps {
  /** Undefined for a function that is not deployed any more. */
  readonly deliveredBy: (name: string) => DeliveredBy | undefined;
}

/**
 * Has a dead letter delivered again, as the request that caused it. Handlers change nothing when they are
 * given the same twice, so neither does replaying twice. One that was replayed already and has not died since
 * is left alone. 2 reads, 1 write, 1 publish or task.
 * @throws AppError `not_found`, `conflict` for one that was discarded, was cut, or whose function is gone
 */
export async function replayDeadLetter(deps: ReplayDeps, id: string, by: string): Promise<DeadLetter> {
  const letter = await readForReplay(deps, id);
  const replays = letter.state === "replayed" ? letter.replays : letter.replays + 1;
  const source = deps.deliveredBy(letter.function);
  if (letter.state === "discarded") throw new AppError("conflict", "The dead letter was discarded.");
  if (source === undefined) throw new AppError("conflict", "Its function is not deployed any more.");
  if (letter.state === "dead") {
    const deliver = async (): Promise<void> => {
      if ("topic" in source) await deps.publisher.publish(source.topic, letter.payload);
      else {
        // Named after the letter and its replay: asking twice is one task.
        const name = ["replay", id, String(replays)];
        await deps.tasks.enqueue({ ...source, function: letter.function, id: name, payload: letter.payload });
      }
    };
    const { requestId, traceparent } = letter;
    const hasContext = requestId !== null && traceparent !== null;
    await (hasContext ? runInContext({ requestId, traceparent }, deliver) : deliver());
  }
  return settleDeadLetter(deps, id, "replayed", { by, replays });
}

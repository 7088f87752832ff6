import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, pageOf } from "../../../shared/chat/contract.ts";
import {
  DeadLetter,
  DeadLetterState,
  FunctionName,
  Job,
  NewReplayAll,
} from "../../../shared/jobs/contract.ts";
import { listDeadLetters, readDeadLetter, settleDeadLetter } from "../../../shared/jobs/dead-letters.ts";
import { createJob } from "../../../shared/jobs/jobs.ts";
import { replayDeadLetter } from "../../../shared/jobs/replay.ts";
import { REPLAY_ALL } from "../../../shared/jobs/replay-all.ts";
import { deliveredBy } from "../../runtime/deliveries.ts";
import { accepted, noContent, ok } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

const path = "/v1/operator/dead-letters";
const params = z.object({ id: z.string().regex(/^[0-9a-v]{26}$/) });

export const getDeadLetters = systemEndpoint({
  method: "GET",
  path,
  summary: "Lists what was given up.",
  query: z.strictObject({
    function: FunctionName.optional(),
    state: DeadLetterState.optional(),
    cursor: z.string().max(2000).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  }),
  reply: pageOf(DeadLetter),
  async handle({ deps, query }) {
    return ok(await listDeadLetters(deps, query));
  },
});

export const getDeadLetter = systemEndpoint({
  method: "GET",
  path: `${path}/{id}`,
  summary: "Reads a dead letter.",
  params,
  reply: DeadLetter,
  async handle({ deps, params: { id } }) {
    return ok(await readDeadLetter(deps, id));
  },
});

/** Has a dead letter delivered again. */
export const postReplay = systemEndpoint({
  method: "POST",
  path: `${path}/{id}/replay`,
  summary: "Delivers a dead letter again.",
  statuses: [202],
  params,
  reply: DeadLetter,
  async handle({ deps, params: { id }, principal }) {
    return accepted(await replayDeadLetter({ ...deps, deliveredBy }, id, principal.id));
  },
});

/** Has all dead letters delivered again, at a given rate. */
export const postReplayAll = systemEndpoint({
  method: "POST",
  path: `${path}/replay-all`,
  summary: "Delivers all dead letters again.",
  statuses: [202],
  idempotent: true,
  body: NewReplayAll,
  reply: Job,
  async handle({ deps, body, requestKey }) {
    const { job, replayed } = await createJob(deps, { kind: REPLAY_ALL, input: body }, requestKey);
    return accepted(job, replayed);
  },
});

/** Discards a dead letter: it can still be read, and is not replayed any more. */
export const deleteDeadLetter = systemEndpoint({
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Lets a dead letter go.",
  params,
  reply: "empty",
  async handle({ deps, params: { id }, principal }) {
    await settleDeadLetter(deps, id, "discarded", { by: principal.id });
    return noContent;
  },
});

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
import { accepted, endpoint, noContent, ok } from "../../runtime/endpoint.ts";

const path = "/v1/operator/dead-letters";
const params = z.object({ id: z.string().regex(/^[0-9a-v]{26}$/) });

export const getDeadLetters = endpoint({
  method: "GET",
  path,
  access: "operator",
  query: z.strictObject({
    function: FunctionName.optional(),
    state: DeadLetterState.optional(),
    cursor: z.string().max(2000).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  }),
  answer: pageOf(DeadLetter),
  async handle({ deps, query }) {
    return ok(await listDeadLetters(deps, query));
  },
});

export const getDeadLetter = endpoint({
  method: "GET",
  path: `${path}/{id}`,
  access: "operator",
  params,
  answer: DeadLetter,
  async handle({ deps, params: { id } }) {
    return ok(await readDeadLetter(deps, id));
  },
});

/** Has it delivered again. */
export const postReplay = endpoint({
  method: "POST",
  path: `${path}/{id}/replay`,
  access: "operator",
  params,
  answer: DeadLetter,
  async handle({ deps, params: { id }, principal }) {
    return accepted(await replayDeadLetter({ ...deps, deliveredBy }, id, principal.id));
  },
});

/** Has all that are dead delivered again, so many a second. */
export const postReplayAll = endpoint({
  method: "POST",
  path: `${path}/replay-all`,
  access: "operator",
  idempotent: true,
  body: NewReplayAll,
  answer: Job,
  async handle({ deps, body, requestKey }) {
    const { job, replayed } = await createJob(deps, { kind: REPLAY_ALL, input: body }, requestKey);
    return { ...accepted(job), headers: replayed ? { "idempotency-replayed": "true" } : {} };
  },
});

/** It stays to be read, and is not replayed any more. */
export const deleteDeadLetter = endpoint({
  method: "DELETE",
  path: `${path}/{id}`,
  access: "operator",
  params,
  async handle({ deps, params: { id }, principal }) {
    await settleDeadLetter(deps, id, "discarded", principal.id);
    return noContent;
  },
});

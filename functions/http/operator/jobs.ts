import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, pageOf } from "../../../shared/chat/contract.ts";
import { Job, NewMigration } from "../../../shared/jobs/contract.ts";
import { createJob, listJobs, readJob } from "../../../shared/jobs/jobs.ts";
import { MIGRATE, migrationNamed } from "../../../shared/migrations/migrate.ts";
import { accepted, ok } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

export const getJobs = systemEndpoint({
  method: "GET",
  path: "/v1/operator/jobs",
  summary: "Lists the deployment's jobs.",
  query: z.strictObject({
    cursor: z.string().max(2000).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  }),
  reply: pageOf(Job),
  async handle({ deps, query }) {
    return ok(await listJobs(deps, query));
  },
});

export const getJob = systemEndpoint({
  method: "GET",
  path: "/v1/operator/jobs/{id}",
  summary: "Reads a job of the deployment.",
  params: z.object({ id: z.string().regex(/^[0-9a-v]{26}$/) }),
  reply: Job,
  async handle({ deps, params: { id } }) {
    return ok(await readJob(deps, id));
  },
});

/** Brings stored documents into a new form, while old and new code serve. */
export const postMigration = systemEndpoint({
  method: "POST",
  path: "/v1/operator/migrations",
  summary: "Starts a migration.",
  statuses: [202],
  idempotent: true,
  body: NewMigration,
  reply: Job,
  async handle({ deps, body, requestKey }) {
    migrationNamed(body.name);
    const { job, replayed } = await createJob(deps, { kind: MIGRATE, input: body }, requestKey);
    return accepted(job, replayed);
  },
});

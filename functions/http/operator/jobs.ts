import { z } from "zod";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, pageOf } from "../../../shared/chat/contract.ts";
import { Job, NewMigration } from "../../../shared/jobs/contract.ts";
import { createJob, listJobs, readJob } from "../../../shared/jobs/jobs.ts";
import { MIGRATE, migrationNamed } from "../../../shared/migrations/migrate.ts";
import { accepted, endpoint, ok } from "../../runtime/endpoint.ts";

export const getJobs = endpoint({
  method: "GET",
  path: "/v1/operator/jobs",
  access: "operator",
  query: z.strictObject({
    cursor: z.string().max(2000).optional(),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).default(PAGE_LIMIT_DEFAULT),
  }),
  answer: pageOf(Job),
  async handle({ deps, query }) {
    return ok(await listJobs(deps, query));
  },
});

export const getJob = endpoint({
  method: "GET",
  path: "/v1/operator/jobs/{id}",
  access: "operator",
  params: z.object({ id: z.string().regex(/^[0-9a-v]{26}$/) }),
  answer: Job,
  async handle({ deps, params: { id } }) {
    return ok(await readJob(deps, id));
  },
});

/** Brings stored documents into a new form, while old and new code serve. */
export const postMigration = endpoint({
  method: "POST",
  path: "/v1/operator/migrations",
  access: "operator",
  idempotent: true,
  body: NewMigration,
  answer: Job,
  async handle({ deps, body, requestKey }) {
    migrationNamed(body.name);
    const { job, replayed } = await createJob(deps, { kind: MIGRATE, input: body }, requestKey);
    return { ...accepted(job), headers: replayed ? { "idempotency-replayed": "true" } : {} };
  },
});

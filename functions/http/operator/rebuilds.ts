import { z } from "zod";
import { Rebuild } from "../../../shared/search/contract.ts";
import { beginRebuild, readRebuild } from "../../../shared/search/rebuild-index.ts";
import { accepted, ok } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

/** Has the search entries of an app made anew, while they are in use. */
export const postRebuild = systemEndpoint({
  method: "POST",
  path: "/v1/operator/apps/{app}/search/rebuilds",
  summary: "Starts to build an app's search index anew.",
  statuses: [202],
  idempotent: true,
  reply: Rebuild,
  async handle({ deps, app, requestKey }) {
    return accepted(await beginRebuild(deps, app, requestKey));
  },
});

export const getRebuild = systemEndpoint({
  method: "GET",
  path: "/v1/operator/apps/{app}/search/rebuilds/{id}",
  summary: "Reads how far a rebuild of the search index is.",
  params: z.object({ id: z.string().regex(/^[a-z0-9]{26}$/) }),
  reply: Rebuild,
  async handle({ app, params }) {
    return ok(await readRebuild(app, params.id));
  },
});

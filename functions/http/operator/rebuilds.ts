import { z } from "zod";
import { Rebuild } from "../../../shared/search/contract.ts";
import { beginRebuild, readRebuild } from "../../../shared/search/rebuild-index.ts";
import { accepted, endpoint, ok } from "../../runtime/endpoint.ts";

/** Has the search entries of an app made anew, while they are in use. */
export const postRebuild = endpoint({
  method: "POST",
  path: "/v1/operator/apps/{app}/search/rebuilds",
  access: "operator",
  idempotent: true,
  answer: Rebuild,
  async handle({ deps, app, requestKey }) {
    return accepted(await beginRebuild(deps, app, requestKey));
  },
});

export const getRebuild = endpoint({
  method: "GET",
  path: "/v1/operator/apps/{app}/search/rebuilds/{id}",
  access: "operator",
  params: z.object({ id: z.string().regex(/^[a-z0-9]{26}$/) }),
  answer: Rebuild,
  async handle({ app, params }) {
    return ok(await readRebuild(app, params.id));
  },
});

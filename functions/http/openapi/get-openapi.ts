import { createHash } from "node:crypto";
import { z } from "zod";
import { knownRevision } from "../../runtime/conditional.ts";
import type { Endpoint } from "../../runtime/endpoint.ts";
import { notModified, ok } from "../../runtime/reply.ts";
import type { ApiDeps } from "../api-deps.ts";
import { publicEndpoint } from "../endpoint.ts";
import { type ApiDescription, describeApi, type Described } from "./describe-api.ts";

const MAX_AGE_SECONDS = 300;

/**
 * The OpenAPI description of all endpoints, this one included. Made once an instance, when it is first asked
 * for: no reads. It is what the instance's code does, so it is the same for everybody.
 */
export function openApiEndpoint(endpoints: () => readonly Described[]): Endpoint<ApiDeps> {
  let made: { readonly description: ApiDescription; readonly name: string } | undefined;
  const make = (): NonNullable<typeof made> => {
    const description = describeApi(endpoints());
    const name = createHash("sha256").update(JSON.stringify(description)).digest("base64url");
    return { description, name };
  };
  return publicEndpoint({
    method: "GET",
    path: "/v1/openapi.json",
    summary: "Describes the API as OpenAPI 3.1.",
    conditional: "read",
    reply: z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
    handle({ headers }) {
      made ??= make();
      const etag = `"${made.name}"`;
      const isKnown = knownRevision(headers)?.(made.name) === true;
      const cache = { "cache-control": `public, max-age=${MAX_AGE_SECONDS}`, etag };
      return Promise.resolve(isKnown ? notModified(etag) : ok(made.description, cache));
    },
  });
}

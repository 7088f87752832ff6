import { ok } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";

/** Verifiers may keep the keys this long; a new key is published before it signs anything. */
const JWKS_MAX_AGE_SECONDS = 300;

export const getJwks = publicEndpoint({
  method: "GET",
  path: "/.well-known/jwks.json",
  async handle({ deps }) {
    const keys = await deps.accessTokens.keyRing.publicKeys();
    return ok({ keys }, { "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}` });
  },
});

import { z } from "zod";
import { ok } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";

/** A key that access tokens are verified with (RFC 8037). */
const PublicKey = z.object({
  kid: z.string(),
  kty: z.literal("OKP"),
  crv: z.string(),
  x: z.string(),
  use: z.literal("sig"),
  alg: z.string(),
});

/** Verifiers may keep the keys this long; a new key is published before it signs anything. */
const JWKS_MAX_AGE_SECONDS = 300;

export const getJwks = publicEndpoint({
  method: "GET",
  path: "/.well-known/jwks.json",
  summary: "Lists the public keys that access tokens are signed with.",
  reply: z.object({ keys: z.array(PublicKey) }),
  async handle({ deps }) {
    const keys = await deps.accessTokens.keyRing.publicKeys();
    return ok({ keys }, { "cache-control": `public, max-age=${JWKS_MAX_AGE_SECONDS}` });
  },
});

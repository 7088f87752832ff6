import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { randomId } from "../platform/ids.ts";
import { Role } from "./contract.ts";
import { type KeyRing, openKeyRing } from "./key-ring.ts";
import type { Principal } from "./principal.ts";
import type { Issued } from "./revocation.ts";
import type { Freshness, Revocations } from "./revocations.ts";
import { SIGNING_ALGORITHM } from "./signing-key.ts";

export const ACCESS_TOKEN_TTL_SECONDS = 15 * 60;
/** How far the clocks of two instances may differ. */
export const CLOCK_TOLERANCE_SECONDS = 30;
/** Verified tokens kept in memory, so that a person's next request costs no signature check. */
export const VERIFIED_MAX = 10_000;

export interface NewAccessToken {
  readonly app: string;
  readonly user: string;
  readonly role: Role;
  readonly sessionId: string;
  /** When the session began. */
  readonly beganMs: number;
  /** When the person last proved their second factor in this session. */
  readonly factorMs: number | undefined;
}

export interface AccessTokens {
  readonly keyRing: KeyRing;
  /** A JWT, good for ACCESS_TOKEN_TTL_SECONDS in one app. */
  sign(token: NewAccessToken): Promise<string>;
  /**
   * Who the token speaks for. No Firestore operation once the key is known.
   * @throws AppError `token_expired`, `token_invalid`, `token_revoked`, `unavailable`
   */
  verify(app: string, token: string, freshness: Freshness): Promise<Principal>;
}

/**
 * `iat` counts whole seconds, too coarse to tell a token from before a revocation from one after it in
 * the same second: `ims` and `bms` are when token and session began in milliseconds. `mfa` is the time of
 * the second factor, in seconds.
 */
const Claims = z.object({
  sub: z.string(),
  app: z.string(),
  role: Role,
  sid: z.string(),
  jti: z.string(),
  exp: z.number(),
  ims: z.number(),
  bms: z.number(),
  mfa: z.number().optional(),
});

interface Verified {
  readonly principal: Principal;
  readonly issued: Issued;
  readonly kid: string;
  readonly expiresAtMs: number;
}

const expired = (): AppError => new AppError("token_expired", "The access token has expired.");
const invalid = (cause?: unknown): AppError =>
  new AppError("token_invalid", "The access token is not valid here.", {}, { cause });

export function openAccessTokens(deps: Deps, revocations: Revocations): AccessTokens {
  const keyRing = openKeyRing(deps);
  const issuer = deps.config.publicUrl;
  const audienceOf = (app: string): string => `${issuer}/v1/apps/${app}`;
  const verified = new Map<string, Verified>();

  const keep = (token: string, entry: Verified): void => {
    verified.set(token, entry);
    if (verified.size <= VERIFIED_MAX) return;
    const oldest = verified.keys().next();
    if (!oldest.done) verified.delete(oldest.value);
  };

  const check = async (app: string, token: string): Promise<Verified> => {
    let keyId = "";
    const { payload } = await jwtVerify(
      token,
      async ({ kid = "" }) => {
        keyId = kid;
        const key = await keyRing.find(kid);
        if (key === undefined) throw invalid();
        return key;
      },
      {
        algorithms: [SIGNING_ALGORITHM],
        typ: "at+jwt",
        issuer,
        audience: audienceOf(app),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(deps.clock.now()),
      },
    );
    const claims = Claims.parse(payload);
    if (claims.app !== app) throw invalid();
    return verifiedOf(claims, keyId);
  };

  /** The signature need not be checked again, but key, time and revocation may have changed since. */
  const recall = async (app: string, token: string): Promise<Verified | undefined> => {
    const known = verified.get(token);
    if (known === undefined) return undefined;
    if (known.issued.app !== app) throw invalid();
    if (known.expiresAtMs <= deps.clock.now()) {
      verified.delete(token);
      throw expired();
    }
    if ((await keyRing.find(known.kid)) === undefined) {
      verified.delete(token);
      throw invalid();
    }
    return known;
  };

  const checkAndKeep = async (app: string, token: string): Promise<Verified> => {
    try {
      const entry = await check(app, token);
      keep(token, entry);
      return entry;
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) throw expired();
      if (cause instanceof errors.JOSEError || cause instanceof z.ZodError) throw invalid(cause);
      throw cause;
    }
  };

  return {
    keyRing,
    async sign(token) {
      const key = await keyRing.current();
      const issuedMs = deps.clock.now();
      const issuedAt = Math.floor(issuedMs / 1000);
      return new SignJWT({
        app: token.app,
        role: token.role,
        sid: token.sessionId,
        ims: issuedMs,
        bms: token.beganMs,
        ...(token.factorMs === undefined ? {} : { mfa: Math.floor(token.factorMs / 1000) }),
      })
        .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.kid, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audienceOf(token.app))
        .setSubject(token.user)
        .setJti(randomId())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ACCESS_TOKEN_TTL_SECONDS)
        .sign(key.privateKey);
    },
    async verify(app, token, freshness) {
      const { principal, issued } = (await recall(app, token)) ?? (await checkAndKeep(app, token));
      await revocations.demandValid(issued, freshness);
      return principal;
    },
  };
}

function verifiedOf(claims: z.infer<typeof Claims>, kid: string): Verified {
  const issued = {
    app: claims.app,
    user: claims.sub,
    sessionId: claims.sid,
    tokenId: claims.jti,
    issuedMs: claims.ims,
    beganMs: claims.bms,
  };
  return {
    principal: {
      id: claims.sub,
      kind: "person",
      role: claims.role,
      sessionId: claims.sid,
      ...(claims.mfa === undefined ? {} : { factorMs: claims.mfa * 1000 }),
      issued,
    },
    issued,
    kid,
    expiresAtMs: (claims.exp + CLOCK_TOLERANCE_SECONDS) * 1000,
  };
}

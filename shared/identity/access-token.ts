import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Deps } from "../platform/deps.ts";
import { AppError } from "../platform/errors.ts";
import { randomId } from "../platform/ids.ts";
import { Role } from "./contract.ts";
import { type KeyRing, openKeyRing, SIGNING_ALGORITHM } from "./key-ring.ts";
import type { Principal } from "./principal.ts";

export const ACCESS_TOKEN_TTL_SECONDS = 15 * 60;
/** How far the clocks of two instances may differ. */
export const CLOCK_TOLERANCE_SECONDS = 30;
/** Verified tokens kept in memory, so that a person's next request costs no signature check. */
export const VERIFIED_MAX = 10_000;

export interface AccessTokens {
  readonly keyRing: KeyRing;
  /** A JWT, good for ACCESS_TOKEN_TTL_SECONDS in one app. */
  sign(claims: { app: string; user: string; role: Role; sessionId: string }): Promise<string>;
  /**
   * Who the token speaks for. No Firestore operation once the key is known.
   * @throws AppError `token_expired`, `token_invalid`
   */
  verify(app: string, token: string): Promise<Principal>;
}

const Claims = z.object({ sub: z.string(), app: z.string(), role: Role, sid: z.string(), exp: z.number() });

interface Verified {
  readonly principal: Principal;
  readonly app: string;
  readonly expiresAtMs: number;
}

const expired = (): AppError => new AppError("token_expired", "The access token has expired.");
const invalid = (cause?: unknown): AppError =>
  new AppError("token_invalid", "The access token is not valid here.", {}, { cause });

export function openAccessTokens(deps: Deps): AccessTokens {
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
    const { payload } = await jwtVerify(
      token,
      async ({ kid }) => {
        const key = kid === undefined ? undefined : await keyRing.find(kid);
        if (key === undefined) throw invalid();
        return key.publicKey;
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
    return {
      principal: { id: claims.sub, kind: "person", role: claims.role, sessionId: claims.sid },
      app,
      expiresAtMs: (claims.exp + CLOCK_TOLERANCE_SECONDS) * 1000,
    };
  };

  return {
    keyRing,
    async sign(claims) {
      const key = await keyRing.current();
      const issuedAt = Math.floor(deps.clock.now() / 1000);
      return new SignJWT({ app: claims.app, role: claims.role, sid: claims.sessionId })
        .setProtectedHeader({ alg: SIGNING_ALGORITHM, kid: key.kid, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audienceOf(claims.app))
        .setSubject(claims.user)
        .setJti(randomId())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ACCESS_TOKEN_TTL_SECONDS)
        .sign(key.privateKey);
    },
    async verify(app, token) {
      const known = verified.get(token);
      if (known !== undefined) {
        if (known.app !== app) throw invalid();
        if (known.expiresAtMs > deps.clock.now()) return known.principal;
        verified.delete(token);
        throw expired();
      }
      try {
        const entry = await check(app, token);
        keep(token, entry);
        return entry.principal;
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) throw expired();
        if (cause instanceof errors.JOSEError || cause instanceof z.ZodError) throw invalid(cause);
        throw cause;
      }
    },
  };
}

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import type { Clock } from "../kernel/clock.ts";
import type { IdTokenClaims, MintIdToken } from "../kernel/http-delivery.ts";
import { SIGNING_KEY_BITS, TOKEN_FRESH_MS, TOKEN_LIFETIME_SECONDS, TOKENS_KEPT_MAX } from "./limits.ts";

export interface Oidc {
  readonly issuer: string;
  /** A signed token. One that was minted within the last minutes for the same claims is given again. */
  readonly mintIdToken: MintIdToken;
  /** The public key, in the form of Google's certificates endpoint. */
  jwks(): { keys: JWK[] };
}

export interface OidcOptions {
  readonly key: JWK;
  readonly issuer: string;
  readonly clock: Clock;
}

interface MintedToken {
  readonly token: string;
  readonly freshUntilMs: number;
}

/** Google's identity: the tokens that pushes, tasks and schedules present to their receivers. */
export async function createOidc({ key, issuer, clock }: OidcOptions): Promise<Oidc> {
  const privateKey = await importJWK(key, "RS256");
  const { kty, n, e } = key;
  const kid = await calculateJwkThumbprint({ kty, n, e } as JWK);
  const publicKey = { kty, n, e, kid, alg: "RS256", use: "sig" } as JWK;
  const minted = new Map<string, MintedToken>();

  const sign = ({ audience, email, subject }: Required<IdTokenClaims>, nowMs: number): Promise<string> => {
    const issuedAt = Math.floor(nowMs / 1000);
    return new SignJWT({ azp: subject, email, email_verified: true })
      .setProtectedHeader({ alg: "RS256", kid, typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject as string)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + TOKEN_LIFETIME_SECONDS)
      .sign(privateKey);
  };

  return {
    issuer,
    jwks: () => ({ keys: [publicKey] }),
    async mintIdToken({ audience, email, subject = accountNumber(email) }) {
      const nowMs = clock.now();
      const claims = JSON.stringify([audience, email, subject]);
      const known = minted.get(claims);
      if (known !== undefined && nowMs < known.freshUntilMs) return known.token;
      const token = await sign({ audience, email, subject }, nowMs);
      if (minted.size >= TOKENS_KEPT_MAX) minted.clear();
      minted.set(claims, { token, freshUntilMs: nowMs + TOKEN_FRESH_MS });
      return token;
    },
  };
}

/**
 * The signing key in the file, created where the file is absent; `path` undefined: a key for this process
 * only.
 */
export async function openTokenKey(path: string | undefined): Promise<JWK> {
  return (path === undefined ? undefined : readKey(path)) ?? (await createKey(path));
}

function readKey(path: string): JWK | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as JWK;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`The signing key ${path} can't be read; remove the file to have a new one made.`, {
      cause,
    });
  }
}

async function createKey(path: string | undefined): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", {
    modulusLength: SIGNING_KEY_BITS,
    extractable: true,
  });
  const jwk = await exportJWK(privateKey);
  if (path === undefined) return jwk;
  mkdirSync(dirname(path), { recursive: true });
  // Renamed into place, so that a crash leaves either no key or a whole one.
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, JSON.stringify(jwk), { mode: 0o600 });
  renameSync(draft, path);
  return jwk;
}

/** Google numbers its service accounts with 21 digits; here the number is derived from the e-mail. */
function accountNumber(email: string): string {
  const digest = createHash("sha256").update(email).digest("hex");
  return `1${(BigInt(`0x${digest}`) % 10n ** 20n).toString().padStart(20, "0")}`;
}

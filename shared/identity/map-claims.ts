import { verifiedAddress } from "./address.ts";
import { type AppSettings, EMAIL_CHARS_MAX, NAME_CHARS_MAX, type Role } from "./contract.ts";

/** What an app takes from an identity token. */
export interface Mapped {
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string | undefined;
  readonly signedInMs: number;
  /** In its canonical form; undefined when there is none that somebody vouches for. */
  readonly email: string | undefined;
  readonly name: string | undefined;
  /** Undefined where the app leaves roles to its own administrators. */
  readonly role: Role | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads a verified token's claims by the app's mapping. Undefined when it is of another tenant, or of a
 * provider that the app does not take.
 */
export function mapClaims(claims: Claims, mapping: AppSettings["claims"]): Mapped | undefined {
  const firebase = (claims.firebase ?? {}) as { sign_in_provider?: unknown; tenant?: unknown };
  const { sign_in_provider: provider, tenant } = firebase;
  if (mapping.tenant !== null && tenant !== mapping.tenant) return undefined;
  if (mapping.providers !== null && !mapping.providers.some((each) => each === provider)) return undefined;
  const { iss, sub, auth_time: signedInSeconds } = claims;
  if (typeof iss !== "string" || typeof sub !== "string" || typeof signedInSeconds !== "number")
    return undefined;
  return {
    issuer: iss,
    subject: sub,
    tenant: typeof tenant === "string" ? tenant : undefined,
    signedInMs: signedInSeconds * 1000,
    email: emailOf(claims, mapping, provider),
    name: textOf(claims, mapping.name, NAME_CHARS_MAX),
    role: mapping.role === null ? undefined : roleOf(valueAt(claims, mapping.role), mapping.roles),
  };
}

/**
 * An account is found by its address, so an address that was merely typed in would open another person's.
 * `email_verified` speaks of the claim `email` and of no other; a SAML provider vouches for its own. For
 * another claim the app's owner has to say that the provider does.
 */
function emailOf(claims: Claims, mapping: AppSettings["claims"], provider: unknown): string | undefined {
  const isOwn = mapping.email === "email";
  const isSaml = typeof provider === "string" && provider.startsWith("saml.");
  const isVouchedFor =
    mapping.vouched === mapping.email || (isOwn && (claims.email_verified === true || isSaml));
  const text = textOf(claims, mapping.email, EMAIL_CHARS_MAX);
  return isVouchedFor && text !== undefined ? verifiedAddress(text) : undefined;
}

/** Own claims only: a mapping to "constructor" finds nothing. */
const valueAt = (claims: Claims, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;

function textOf(claims: Claims, name: string, charsMax: number): string | undefined {
  const value = valueAt(claims, name);
  if (typeof value !== "string" || !value.isWellFormed() || /\p{Cc}/u.test(value)) return undefined;
  const text = value.trim();
  return text === "" || text.length > charsMax ? undefined : text;
}

/** The highest role that one of the values stands for. */
function roleOf(value: unknown, roles: AppSettings["claims"]["roles"]): Role {
  const values = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
  const found = values.map((each) => (Object.hasOwn(roles, each) ? roles[each] : undefined));
  return (["admin", "member", "viewer"] as const).find((role) => found.includes(role)) ?? "member";
}

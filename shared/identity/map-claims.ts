import { type AppSettings, EMAIL_CHARS_MAX, NAME_CHARS_MAX, type Role } from "./contract.ts";

/** What an app takes from an identity token. */
export interface Mapped {
  readonly uid: string;
  readonly signedInMs: number;
  readonly email: string;
  readonly name: string | undefined;
  /** Undefined where the app leaves roles to its own administrators. */
  readonly role: Role | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/**
 * Reads a verified token's claims by the app's mapping. Undefined when it is of another tenant, or has no
 * address that somebody vouches for: an account is found by its address, so an address that was merely typed
 * in would open another person's account. A SAML provider vouches for its own.
 */
export function mapClaims(claims: Claims, mapping: AppSettings["claims"]): Mapped | undefined {
  const firebase = (claims.firebase ?? {}) as { sign_in_provider?: unknown; tenant?: unknown };
  if (mapping.tenant !== null && firebase.tenant !== mapping.tenant) return undefined;
  const email = textOf(claims, mapping.email, EMAIL_CHARS_MAX);
  const { sign_in_provider: provider } = firebase;
  const isVouchedFor =
    claims.email_verified === true || (typeof provider === "string" && provider.startsWith("saml."));
  const { sub, auth_time: signedInSeconds } = claims;
  if (email === undefined || !/^[^@\s]+@[^@\s]+$/.test(email) || !isVouchedFor) return undefined;
  if (typeof sub !== "string" || typeof signedInSeconds !== "number") return undefined;
  return {
    uid: sub,
    signedInMs: signedInSeconds * 1000,
    email,
    name: textOf(claims, mapping.name, NAME_CHARS_MAX),
    role: mapping.role === null ? undefined : roleOf(valueAt(claims, mapping.role), mapping.roles),
  };
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

import { randomBytes } from "node:crypto";
import type { Kernel } from "../kernel/kernel.ts";
import type { Account } from "./account.ts";
import { authError } from "./failure.ts";
import { PASSWORD_CHARS_MIN, UID_CHARS_MAX } from "./limits.ts";
import type { SigningKey } from "./signing-key.ts";
import type { AuthState, Realm } from "./state.ts";

export interface AuthCore {
  readonly kernel: Kernel;
  readonly state: AuthState;
  readonly key: SigningKey;
}

export type Body = Readonly<Record<string, unknown>>;

/** A call, as every handler sees it. */
export interface Call {
  readonly realm: Realm;
  readonly body: Body;
  readonly query: URLSearchParams;
  /** Whether the call has an access token, and so may do what only servers may. */
  readonly admin: boolean;
  /** Whether ID tokens of the answer are to be signed. */
  readonly signed: boolean;
  /** Scheme and host as the caller sees them, for links. */
  readonly origin: string;
  /** Names in the path: a tenant's, a configuration's. */
  readonly names: Readonly<Record<string, string>>;
}

/** `answer` becomes JSON. */
export type Handler = (core: AuthCore, call: Call) => Promise<unknown> | unknown;

export const nowSeconds = ({ kernel }: AuthCore): number => Math.floor(kernel.clock.now() / 1000);

/** As the service's: 28 letters and digits. */
export const newLocalId = (): string =>
  randomBytes(42).toString("base64").replaceAll(/[+/=]/g, "").slice(0, 28).padEnd(28, "x");

export const textOf = (body: Body, field: string): string | undefined => {
  const value = body[field];
  return typeof value === "string" && value !== "" ? value : undefined;
};

export function parseEmail(value: unknown): string {
  if (typeof value !== "string" || !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value))
    throw authError("INVALID_EMAIL");
  return value.toLowerCase();
}

export function parsePassword(value: unknown): string {
  if (typeof value !== "string" || value.length < PASSWORD_CHARS_MIN) {
    throw authError(`WEAK_PASSWORD : Password should be at least ${PASSWORD_CHARS_MIN} characters`);
  }
  return value;
}

/** E.164. */
export function parsePhoneNumber(value: unknown): string {
  if (typeof value !== "string" || !/^\+[1-9]\d{4,14}$/.test(value)) {
    throw authError("INVALID_PHONE_NUMBER : Invalid format.");
  }
  return value;
}

export function parseLocalId(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > UID_CHARS_MAX)
    throw authError("INVALID_LOCAL_ID");
  return value;
}

/** Whether the project lets several accounts share an e-mail. */
export function allowsDuplicateEmails({ state }: AuthCore, { project }: Realm): boolean {
  const config = state.document(project, "config", "");
  return (config?.signIn as { allowDuplicateEmails?: boolean } | undefined)?.allowDuplicateEmails === true;
}

/** Throws where another account already has one of the identifiers. */
export function requireUnique(
  core: AuthCore,
  realm: Realm,
  { localId, email, phoneNumber }: Partial<Account>,
): void {
  const { state } = core;
  const isOther = (found: Account | undefined): boolean => found !== undefined && found.localId !== localId;
  if (email !== undefined && !allowsDuplicateEmails(core, realm) && isOther(state.byEmail(realm, email))) {
    throw authError("EMAIL_EXISTS");
  }
  if (phoneNumber !== undefined && isOther(state.byPhone(realm, phoneNumber)))
    throw authError("PHONE_NUMBER_EXISTS");
}

/** Refuses people with the error that the service gives for a call without credentials; servers pass. */
export function requireAdmin({ admin }: Call): void {
  if (!admin)
    throw authError(
      "Request is missing required authentication credential.",
      401,
      "authError",
      "UNAUTHENTICATED",
    );
}

import { domainToASCII, domainToUnicode } from "node:url";
import { AppError } from "../platform/errors.ts";
import type { Keys } from "../platform/keys.ts";
import type { App } from "./app.ts";
import { EMAIL_CHARS_MAX } from "./contract.ts";

const LOCAL_CHARS_MAX = 64;
/** `dot-atom` of RFC 5322, 3.2.3. Quoted forms and addresses beyond ASCII (RFC 6531) are not taken. */
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** At least two labels, and none that makes an IP address of it. */
const DOMAIN =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/**
 * The one form of a mail address, by which accounts are compared and to which mail is sent: NFKC, lower case,
 * the domain in ASCII (IDNA). Undefined when it is none that mail can be sent to.
 */
export function canonicalAddress(text: string): string | undefined {
  const folded = text.trim().normalize("NFKC").toLowerCase().normalize("NFKC");
  const at = folded.lastIndexOf("@");
  const local = folded.slice(0, Math.max(at, 0));
  const domain = asciiDomain(folded.slice(at + 1));
  if (domain === undefined || local.length > LOCAL_CHARS_MAX || !LOCAL.test(local)) return undefined;
  const address = `${local}@${domain}`;
  return address.length > EMAIL_CHARS_MAX ? undefined : address;
}

/** Both ways: what does not come back from Unicode is no name that a registry would give. */
function asciiDomain(name: string): string | undefined {
  const ascii = domainToASCII(name);
  return DOMAIN.test(ascii) && domainToASCII(domainToUnicode(ascii)) === ascii ? ascii : undefined;
}

/** @throws AppError `invalid_request` */
export function demandAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  throw new AppError("invalid_request", "Some fields are not valid; see errors.", {
    errors: [{ path: "email", message: "must be an e-mail address" }],
  });
}

/**
 * The canonical form of an address that somebody else has verified. They vouch for the mailbox as it is
 * written: only case and the spelling of its domain may differ, as mail for those goes to the same mailbox.
 */
export function verifiedAddress(text: string): string | undefined {
  const address = canonicalAddress(text);
  const local = text.trim().slice(0, Math.max(text.trim().lastIndexOf("@"), 0));
  // Only ASCII letters have a case here: the Kelvin sign is lower-cased to a k, and is another mailbox.
  const isAsWritten = /^[\x21-\x7e]+$/.test(local) && address?.startsWith(`${local.toLowerCase()}@`);
  return isAsWritten === true ? address : undefined;
}

/** By what an account is found: a keyed hash of the canonical address. */
export const addressHash = (keys: Keys, app: App, address: string): string =>
  keys.mac("address", app.id, address);

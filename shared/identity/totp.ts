import { createHmac, randomBytes } from "node:crypto";

/** Time-based one-time passwords as authenticator apps make them: RFC 6238 with SHA-1, 30 s and 6 digits. */
export const STEP_SECONDS = 30;
export const TOTP_DIGITS = 6;
/** A code is also taken one step early or late: clocks of phones differ, and typing takes a while. */
const STEPS_TOLERATED = 1;
/** 160 bits, the length of the hash (RFC 4226, 4). */
const SECRET_BYTES = 20;

export const newTotpSecret = (): Buffer => randomBytes(SECRET_BYTES);

export const stepAt = (nowMs: number): number => Math.floor(nowMs / 1000 / STEP_SECONDS);

export function totp(secret: Uint8Array, step: number, digits: number = TOTP_DIGITS): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", secret).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 0xf;
  const value = hash.readUInt32BE(offset) & 0x7fffffff;
  return String(value % 10 ** digits).padStart(digits, "0");
}

/**
 * The step that the code belongs to, if it is a good one that is later than `lastStep`: a code that was seen
 * over a shoulder or on the way is good once (RFC 6238, 5.2).
 */
export function matchTotp(
  secret: Uint8Array,
  code: string,
  nowMs: number,
  {
    lastStep,
    isSame,
  }: { readonly lastStep: number; readonly isSame: (left: string, right: string) => boolean },
): number | undefined {
  const present = stepAt(nowMs);
  let matched: number | undefined;
  for (let step = present - STEPS_TOLERATED; step <= present + STEPS_TOLERATED; step += 1) {
    if (isSame(totp(secret, step), code) && step > lastStep) matched = step;
  }
  return matched;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 without padding, as authenticator apps take secrets. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text;
}

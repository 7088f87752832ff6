import { createHash, randomBytes } from "node:crypto";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
/** 26 characters of 36 carry 134 bits: two ids meet by chance never. */
const ID_CHARS = 26;

function encode(bytes: Uint8Array, chars: number): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (let index = 0; index < chars; index += 1) {
    text += ALPHABET[Number(value % 36n)];
    value /= 36n;
  }
  return text;
}

/** A fresh unguessable id of 26 lower-case letters and digits. */
export const randomId = (): string => encode(randomBytes(18), ID_CHARS);

/**
 * The id that these parts name, always the same: doing something twice then creates a document
 * that exists. Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
 */
export function derivedId(...parts: readonly string[]): string {
  return encode(digest(parts).subarray(0, 18), ID_CHARS);
}

/** SHA-256 over the parts, in base64url. */
export const fingerprint = (...parts: readonly string[]): string => digest(parts).toString("base64url");

function digest(parts: readonly string[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

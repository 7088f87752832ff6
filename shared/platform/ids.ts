import { hash, randomFillSync } from "node:crypto";

const ALPHABET = "0123456789abcdefghijklmnopqrstuv";
/** 26 characters, each one of 32, carry 130 bits: two drawn ids are never the same. */
const ID_CHARS = 26;
const BITS_PER_CHAR = 5;
const ID_BYTES = Math.ceil((ID_CHARS * BITS_PER_CHAR) / 8);

/**
 * A call to the system's generator costs more than an id, so its bytes are drawn in advance and used once.
 */
const pool = Buffer.alloc(ID_BYTES * 256);
let used = pool.length;

function randomBytes(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.subarray(used - ID_BYTES, used);
}

function encode(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0x1fff;
    bits += 8;
    while (bits >= BITS_PER_CHAR && text.length < ID_CHARS) {
      bits -= BITS_PER_CHAR;
      text += ALPHABET[(value >> bits) & 31];
    }
  }
  return text;
}

/** A fresh unguessable id of 26 lower-case letters and digits. */
export const randomId = (): string => encode(randomBytes());

/**
 * The id that these parts name, always the same: doing something twice then creates a document
 * that exists. Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
 */
export const derivedId = (...parts: readonly string[]): string =>
  encode(hash("sha256", joined(parts), "buffer").subarray(0, ID_BYTES));

/** SHA-256 over the parts, in base64url. */
export const fingerprint = (...parts: readonly string[]): string =>
  hash("sha256", joined(parts), "base64url");

const joined = (parts: readonly string[]): string => parts.map((part) => `${part.length}:${part}`).join("");

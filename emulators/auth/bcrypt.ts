/**
 * bcrypt, which Node lacks: Provos and Mazières, "A Future-Adaptable Password Scheme" (USENIX 1999). It is
 * there to check imported passwords, and takes some tenths of a second as it is meant to.
 */

/** Words of Blowfish's state: its subkeys, and four boxes of 256. */
const SUBKEYS = 18;
const WORDS = SUBKEYS + 4 * 256;

interface Blowfish {
  readonly p: Uint32Array;
  readonly s: Uint32Array;
}

let initial: Uint32Array | undefined;

/** Blowfish begins with the fraction of pi in binary. */
function piWords(): Uint32Array {
  const guardBits = 64n;
  const one = 1n << (BigInt(WORDS * 32) + guardBits);
  const arctanOfInverse = (x: bigint): bigint => {
    let power = one / x;
    let sum = power;
    for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
      power /= x * x;
      sum += (sign * power) / n;
    }
    return sum;
  };
  // Machin's formula.
  const pi = 4n * (4n * arctanOfInverse(5n) - arctanOfInverse(239n));
  const hex = ((pi - 3n * one) >> guardBits).toString(16).padStart(WORDS * 8, "0");
  return Uint32Array.from({ length: WORDS }, (_, index) =>
    Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16),
  );
}

function newState(): Blowfish {
  initial ??= piWords();
  return { p: initial.slice(0, SUBKEYS), s: initial.slice(SUBKEYS) };
}

/** Encrypts the two words at `at` in place. */
function encipher({ p, s }: Blowfish, block: Uint32Array, at: number): void {
  let left = block[at] ?? 0;
  let right = block[at + 1] ?? 0;
  const word = (index: number): number => s[index] as number;
  for (let round = 0; round < SUBKEYS - 2; round += 2) {
    left ^= p[round] as number;
    right ^=
      ((word(left >>> 24) + word(256 + ((left >>> 16) & 255))) ^ word(512 + ((left >>> 8) & 255))) +
      word(768 + (left & 255));
    right ^= p[round + 1] as number;
    left ^=
      ((word(right >>> 24) + word(256 + ((right >>> 16) & 255))) ^ word(512 + ((right >>> 8) & 255))) +
      word(768 + (right & 255));
  }
  block[at] = right ^ (p[SUBKEYS - 1] as number);
  block[at + 1] = left ^ (p[SUBKEYS - 2] as number);
}

/** The bytes as words, repeated to fill `count` of them. */
const wordsOf = (bytes: Uint8Array, count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, index) => {
    let word = 0;
    for (let at = index * 4; at < index * 4 + 4; at += 1)
      word = (word << 8) | (bytes[at % bytes.length] ?? 0);
    return word;
  });

/** Mixes the key into the subkeys, then lets the cipher replace its own state, fed with the salt. */
function expand(state: Blowfish, key: Uint32Array, salt: Uint32Array): void {
  const { p, s } = state;
  for (let index = 0; index < SUBKEYS; index += 1) p[index] = (p[index] as number) ^ (key[index] as number);
  const block = new Uint32Array(2);
  let fed = 0;
  for (const part of [p, s]) {
    for (let index = 0; index < part.length; index += 2) {
      block[0] = (block[0] as number) ^ (salt[fed] as number);
      block[1] = (block[1] as number) ^ (salt[fed + 1] as number);
      fed = (fed + 2) % salt.length;
      encipher(state, block, 0);
      part.set(block, index);
    }
  }
}

const LETTERS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** bcrypt has an alphabet of its own for base64. */
const decode = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll(/[^$]/g, (letter) => STANDARD[LETTERS.indexOf(letter)] ?? ""),
    "base64",
  );

export interface BcryptHash {
  readonly cost: number;
  readonly salt: Buffer;
  readonly digest: Buffer;
}

/** Reads `$2a$10$…`; undefined for what is no such text. */
export function parseBcrypt(text: string): BcryptHash | undefined {
  const [, cost, salt, digest] =
    /^\$2[abxy]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/.exec(text) ?? [];
  if (cost === undefined || salt === undefined || digest === undefined) return undefined;
  return { cost: Number(cost), salt: decode(salt).subarray(0, 16), digest: decode(digest).subarray(0, 23) };
}

/** bcrypt looks no further. */
const PASSWORD_BYTES_MAX = 72;
const TEXT = "OrpheanBeholderScryDoubt";

export function bcryptDigest(password: string, { cost, salt }: Pick<BcryptHash, "cost" | "salt">): Buffer {
  const bytes = Buffer.from(`${password}\0`).subarray(0, PASSWORD_BYTES_MAX);
  const state = newState();
  const key = wordsOf(bytes, SUBKEYS);
  const saltAsKey = wordsOf(salt, SUBKEYS);
  const nothing = new Uint32Array(2);
  expand(state, key, wordsOf(salt, 4));
  for (let round = 0; round < 2 ** cost; round += 1) {
    expand(state, key, nothing);
    expand(state, saltAsKey, nothing);
  }
  const block = wordsOf(Buffer.from(TEXT), 6);
  for (let at = 0; at < block.length; at += 2)
    for (let times = 0; times < 64; times += 1) encipher(state, block, at);
  const digest = Buffer.alloc(24);
  block.forEach((word, index) => digest.writeUInt32BE(word, index * 4));
  return digest.subarray(0, 23);
}

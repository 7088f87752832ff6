import { createSHA256, type IHasher } from "hash-wasm";

/**
 * SHA-256 of bytes that several processes see one after the other: its state is a text that another process
 * goes on with. A state is of one version of the package, and refused by others.
 */
let opened: Promise<IHasher> | undefined;

/** The state after more bytes; without one, from the beginning. */
export async function extendChecksum(state: string | undefined, bytes: Uint8Array): Promise<string> {
  const sha256 = await openHasher();
  return Buffer.from(beginAt(sha256, state).update(bytes).save()).toString("base64");
}

/** The checksum of all bytes, in hexadecimal. */
export async function checksumOf(state: string): Promise<string> {
  const sha256 = await openHasher();
  return beginAt(sha256, state).digest("hex");
}

/** There is one; nothing may be waited for while it is in use. */
const openHasher = (): Promise<IHasher> => (opened ??= createSHA256());

const beginAt = (sha256: IHasher, state: string | undefined): IHasher =>
  state === undefined ? sha256.init() : sha256.load(Buffer.from(state, "base64"));

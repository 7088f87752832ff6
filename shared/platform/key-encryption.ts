import type { Keys } from "./keys.ts";

/**
 * Encrypts the private parts of signing keys before they are stored. `context` says which key it is and
 * must be given again. An implementation on Cloud KMS keeps the wrapping key where nobody can read it.
 */
export interface KeyEncryption {
  wrap(context: string, plaintext: string): Promise<string>;
  /** @throws Error when the text was changed or wrapped for another context */
  unwrap(context: string, wrapped: string): Promise<string>;
}

/** With a key derived from the deployment's secret (AES-256-GCM). */
export const keyEncryptionOf = (keys: Keys): KeyEncryption => ({
  wrap: async (context, plaintext) => keys.seal("signing-key", context, plaintext),
  unwrap: async (context, wrapped) => keys.open("signing-key", context, wrapped),
});

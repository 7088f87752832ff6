/** Of plaintext and of additional authenticated data, with software keys (Cloud KMS, EncryptRequest). */
export const PLAINTEXT_BYTES_MAX = 64 * 1024;

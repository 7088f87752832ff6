import type { Parsed } from "./parser.ts";

/** Bytes to be parsed; without any: there are no more. */
export interface ThreadRequest {
  readonly chunk?: Uint8Array | undefined;
}

export type ThreadReply =
  | { readonly parsed: Parsed }
  | { readonly failure: { readonly message: string; readonly isUnreadable: boolean } };

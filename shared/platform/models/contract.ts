/** One turn of a conversation as models take it. */
export interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** Files that go with it: pictures beside the content, texts within it. */
  readonly attached?: readonly Attached[];
}

export type Attached = AttachedText | AttachedImage;

/** A file whose text stands in the content; `cut`: not all of it. */
export interface AttachedText {
  readonly file: string;
  readonly as: "text";
  readonly cut?: true;
}

export interface AttachedImage {
  readonly file: string;
  readonly as: "image";
  readonly width: number;
  readonly height: number;
  /** Of its bytes. */
  readonly type: string;
  /** Read when a model is called with it; undefined where it can't be read any more. */
  read(): Promise<Uint8Array | undefined>;
}

/** Why a model stopped, in the words of the API. */
export const FINISH_REASONS = ["stop", "length", "content_filter", "refusal", "tool_calls"] as const;
export type FinishReason = (typeof FINISH_REASONS)[number];

/** What a call took, as far as the provider told it in numbers that can be true. */
export interface ModelUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  /** Of the input, what the provider had in its cache. */
  readonly cachedTokens?: number;
  /** Of the output, what was thought and not said. */
  readonly thinkingTokens?: number;
}

/** A piece of an answer. After `finish` nothing but `usage` comes. */
export type ModelPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thinking"; readonly text: string }
  | {
      readonly kind: "tool-call";
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly arguments: string;
    }
  | { readonly kind: "finish"; readonly reason: FinishReason }
  | { readonly kind: "usage"; readonly usage: ModelUsage };

/**
 * Whose failure it is decides what is done about it (docs/failures.md). The asker's is told to them and
 * changes nothing for others; the operator's alerts; the provider's passes, so it is tried again.
 */
export const MODEL_FAILURES = {
  too_long: "asker",
  refused: "asker",
  invalid: "asker",
  images: "asker",
  unauthorized: "operator",
  unknown_model: "operator",
  quota: "operator",
  rate_limited: "provider",
  overloaded: "provider",
  failed: "provider",
  unreachable: "provider",
  silent: "provider",
  cut: "provider",
  malformed: "provider",
} as const;
export type ModelFailureKind = keyof typeof MODEL_FAILURES;
export type FailureOwner = (typeof MODEL_FAILURES)[ModelFailureKind];

/** A call to a model that gave no whole answer. The message holds nothing that a person wrote. */
export class ModelFailure extends Error {
  override readonly name = "ModelFailure";
  readonly kind: ModelFailureKind;
  /** The provider asks not to be called before. */
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  /** The window that the provider names, of a question that is too long for it. */
  readonly windowTokens: number | undefined;

  constructor(
    kind: ModelFailureKind,
    message: string,
    facts: {
      readonly retryAfterMs?: number | undefined;
      readonly status?: number | undefined;
      readonly windowTokens?: number | undefined;
    } = {},
    options: ErrorOptions = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.retryAfterMs = facts.retryAfterMs;
    this.status = facts.status;
    this.windowTokens = facts.windowTokens;
  }

  get owner(): FailureOwner {
    return MODEL_FAILURES[this.kind];
  }
}

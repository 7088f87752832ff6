import { CALLS_KEPT_MAX, MODELS, type ModelName } from "./limits.ts";

/** How a call ended: answered whole, cut at its limit of tokens, failed, or the caller went away first. */
export type Outcome = "stop" | "length" | "failed" | "hung up";

export interface RecordedCall {
  readonly id: string;
  readonly model: ModelName;
  /** The caller's own name for what it does, from its header `x-request-id`. */
  readonly requestId: string | undefined;
  readonly question: string;
  readonly stream: boolean;
  readonly promptTokens: number;
  /** Tokens that have been sent. */
  readonly completionTokens: number;
  /** RFC 3339, UTC, by the suite's clock. */
  readonly startedAt: string;
  readonly outcome: Outcome | "running";
  readonly callerHungUp: boolean;
}

export interface ModelCounts {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface CallsShown {
  readonly inFlight: number;
  readonly byModel: Readonly<Record<ModelName, ModelCounts>>;
  /** The newest first. */
  readonly recent: readonly RecordedCall[];
}

export type CallStart = Omit<RecordedCall, "completionTokens" | "outcome" | "callerHungUp">;

export interface CallInFlight {
  sent(tokens: number): void;
  /** Only the first end counts. */
  end(outcome: Outcome): void;
}

export interface CallBook {
  begin(call: CallStart): CallInFlight;
  read(): CallsShown;
  /** Forgets what has ended and counts from zero; calls under way are counted when they send. */
  reset(): void;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export function createCalls(): CallBook {
  let counts = zero();
  let recent: Mutable<RecordedCall>[] = [];
  const running = new Set<Mutable<RecordedCall>>();
  return {
    begin(start) {
      const call: Mutable<RecordedCall> = {
        ...start,
        completionTokens: 0,
        outcome: "running",
        callerHungUp: false,
      };
      running.add(call);
      recent = [call, ...recent].slice(0, CALLS_KEPT_MAX);
      counts[call.model].calls += 1;
      counts[call.model].promptTokens += call.promptTokens;
      return {
        sent(tokens) {
          call.completionTokens += tokens;
          counts[call.model].completionTokens += tokens;
        },
        end(outcome) {
          if (!running.delete(call)) return;
          call.outcome = outcome;
          call.callerHungUp = outcome === "hung up";
        },
      };
    },
    read: () => ({
      inFlight: running.size,
      byModel: structuredClone(counts),
      recent: recent.map((call) => ({ ...call })),
    }),
    reset() {
      counts = zero();
      recent = [];
    },
  };
}

const zero = (): Record<ModelName, Mutable<ModelCounts>> =>
  Object.fromEntries(
    Object.keys(MODELS).map((name) => [name, { calls: 0, promptTokens: 0, completionTokens: 0 }]),
  ) as Record<ModelName, Mutable<ModelCounts>>;

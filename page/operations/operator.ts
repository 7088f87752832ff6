import { send } from "../frame/send.ts";

export interface DeadLetter {
  readonly id: string;
  readonly function: string;
  readonly state: "dead" | "replayed" | "discarded";
  readonly cause: { readonly code: string; readonly message: string };
  readonly deaths: number;
  readonly updatedAt: string;
}

export interface Job {
  readonly kind: string;
  readonly state: string;
  readonly progress: { readonly done: number; readonly total?: number; readonly failed: number };
  readonly updatedAt: string;
}

interface Listed<T> {
  readonly data: readonly T[];
}

/** What the API lets an operator do. Each call is one request and throws ApiError. */
export type Operator = ReturnType<typeof createOperator>;

const OPERATOR_PATH = "/v1/operator";
const LIMIT = 100;

export function createOperator(operatorKey: string) {
  const headers = { authorization: `Bearer ${operatorKey}` };
  const list = async <T>(path: string, signal: AbortSignal): Promise<readonly T[]> =>
    (await send<Listed<T>>("GET", `${OPERATOR_PATH}${path}?limit=${LIMIT}`, { headers, signal })).data.data;
  return {
    deadLetters: (signal: AbortSignal) => list<DeadLetter>("/dead-letters", signal),
    jobs: (signal: AbortSignal) => list<Job>("/jobs", signal),
    async replay(id: string): Promise<void> {
      await send("POST", `${OPERATOR_PATH}/dead-letters/${id}/replay`, { headers });
    },
    async replayAll(perSecond: number): Promise<void> {
      const key = crypto.randomUUID();
      await send("POST", `${OPERATOR_PATH}/dead-letters/replay-all`, { headers, key, body: { perSecond } });
    },
    async discard(id: string): Promise<void> {
      await send("DELETE", `${OPERATOR_PATH}/dead-letters/${id}`, { headers });
    },
  };
}

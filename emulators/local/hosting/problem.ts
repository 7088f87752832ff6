import type { ServerResponse } from "node:http";

/** RFC 9457, the one error format of everything that speaks HTTP here. */
export interface Problem {
  readonly status: number;
  /** Stable and for programs, such as "not_found". */
  readonly code: string;
  readonly title: string;
  /** For people: what happened and what to do. */
  readonly detail: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ type: `/problems/${problem.code}`, ...problem });
  response.writeHead(problem.status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

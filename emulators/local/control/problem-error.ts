import { STATUS_CODES } from "node:http";
import type { Problem } from "../hosting/problem.ts";

/** What a route throws to reply with a problem instead of a result. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.name = "ProblemError";
    this.problem = { status, code, title: STATUS_CODES[status] ?? "Error", detail };
  }
}

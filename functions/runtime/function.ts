import type { IncomingMessage, ServerResponse } from "node:http";
import type { Deps } from "../../shared/platform/deps.ts";

/** A function as the functions framework calls it. It replies to every request and never rejects. */
export type FunctionHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A function before it has its dependencies: what each entry file exports. */
export interface CloudFunction {
  /** Its name in the manifest. */
  readonly name: string;
  open(deps: Deps): FunctionHandler;
}

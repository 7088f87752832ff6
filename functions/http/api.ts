import type { CloudFunction } from "../runtime/function.ts";
import { type ReplyObserver, serveEndpoints } from "../runtime/http-function.ts";
import { openApiDeps } from "./api-deps.ts";
import { apiEndpoints } from "./endpoints.ts";

/** The API without its streams, whose replies somebody may observe. */
export const apiObservedBy = (observe?: ReplyObserver): CloudFunction => ({
  name: "api",
  open: (deps) => serveEndpoints(openApiDeps(deps), { name: "api", endpoints: apiEndpoints, observe }),
});

export const api = apiObservedBy();

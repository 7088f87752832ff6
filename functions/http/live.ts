import type { CloudFunction } from "../runtime/function.ts";
import { type ReplyObserver, serveEndpoints } from "../runtime/http-function.ts";
import { liveEndpoints } from "./endpoints.ts";
import { openLiveDeps } from "./live-deps.ts";

/** The streams of the API, whose beginnings somebody may observe. */
export const liveObservedBy = (observe?: ReplyObserver): CloudFunction => ({
  name: "live",
  open: (deps) => serveEndpoints(openLiveDeps(deps), { name: "live", endpoints: liveEndpoints, observe }),
});

export const live = liveObservedBy();

import { endpointsOf } from "../runtime/endpoint.ts";
import type { ApiDeps } from "./api-deps.ts";
import type { LiveDeps } from "./live-deps.ts";

export const { appEndpoint, systemEndpoint, publicEndpoint } = endpointsOf<ApiDeps>();
/** An endpoint of the function `live`. */
export const { appEndpoint: liveEndpoint } = endpointsOf<LiveDeps>();

import { endpointsOf } from "../runtime/endpoint.ts";
import type { ApiDeps } from "./api-deps.ts";

export const { appEndpoint, systemEndpoint, publicEndpoint } = endpointsOf<ApiDeps>();

import type { CloudFunction } from "../runtime/function.ts";
import { serveEndpoints } from "../runtime/http-function.ts";
import { openApiDeps } from "./api-deps.ts";
import { endpoints } from "./endpoints.ts";

export const api: CloudFunction = {
  name: "api",
  open: (deps) => serveEndpoints(openApiDeps(deps), endpoints),
};

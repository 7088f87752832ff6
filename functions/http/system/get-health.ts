import { endpoint, ok } from "../../runtime/endpoint.ts";

/** The process runs and answers; says nothing of what it depends on. */
export const getHealth = endpoint({
  method: "GET",
  path: "/healthz",
  access: "anyone",
  async handle() {
    return ok({ status: "ok" });
  },
});

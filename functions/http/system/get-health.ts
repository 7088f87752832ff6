import { z } from "zod";
import { ok } from "../../runtime/reply.ts";
import { publicEndpoint } from "../endpoint.ts";

/** The process runs and answers; says nothing of what it depends on. */
export const getHealth = publicEndpoint({
  method: "GET",
  path: "/healthz",
  summary: "Says that the function answers.",
  reply: z.object({ status: z.literal("ok") }),
  async handle() {
    return ok({ status: "ok" });
  },
});

import { z } from "zod";
import { CircuitView } from "../../../shared/assistant/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { systemEndpoint } from "../endpoint.ts";

/** The circuits of all models that have ever failed. */
export const getBreakers = systemEndpoint({
  method: "GET",
  path: "/v1/operator/breakers",
  summary: "Lists the circuit breakers of models.",
  reply: z.object({ data: z.array(CircuitView) }),
  async handle({ deps }) {
    return ok({ data: await deps.circuits.list() });
  },
});

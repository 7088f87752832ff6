import { z } from "zod";
import { CircuitView } from "../../../shared/assistant/contract.ts";
import { endpoint, ok } from "../../runtime/endpoint.ts";

/** How the models stand that have ever failed. */
export const getBreakers = endpoint({
  method: "GET",
  path: "/v1/operator/breakers",
  access: "operator",
  answer: z.object({ data: z.array(CircuitView) }),
  async handle({ deps }) {
    return ok({ data: await deps.circuits.list() });
  },
});

import { z } from "zod";
import { FIRST_TOKEN_MS_MAX, MODELS, type ModelName, TOKENS_PER_SECOND_MAX } from "../../model/limits.ts";
import { QUIRK_NAMES } from "../../model/quirks.ts";
import type { ModelServer } from "../../model/server.ts";
import { MODEL_FAULTS } from "../../model/settings.ts";
import type { Route } from "./routes.ts";

const ModelChange = z.strictObject({
  firstTokenMs: z.number().min(0).max(FIRST_TOKEN_MS_MAX).optional(),
  tokensPerSecond: z.number().positive().max(TOKENS_PER_SECOND_MAX).optional(),
  fault: z.enum(MODEL_FAULTS).optional(),
  after: z.int().min(0).optional(),
  quirk: z.enum(QUIRK_NAMES).nullish(),
  model: z.enum(Object.keys(MODELS) as ModelName[]).optional(),
});

/** How the models behave, and what they have been asked. */
export function modelRoutes(model: ModelServer): Route[] {
  const path = /^\/control\/model$/;
  return [
    { method: "GET", path, reply: () => model.show() },
    {
      method: "POST",
      path,
      reply: ({ body }) => {
        model.change(ModelChange.parse(body));
        return model.show();
      },
    },
    { method: "DELETE", path, reply: () => model.reset() },
  ];
}

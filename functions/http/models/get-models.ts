import { offeredModels } from "../../../shared/assistant/choose-models.ts";
import { ModelList } from "../../../shared/assistant/contract.ts";
import { ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

/** The models that chats of the app may name. Costs nothing while the app is known. */
export const getModels = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/models",
  summary: "Lists the models that a chat may name.",
  access: "chat:read",
  reply: ModelList,
  async handle({ deps, app }) {
    const ids = offeredModels(deps, await deps.apps.settingsOf(app));
    const data = ids.map((id) => {
      const { label, windowTokens, outputTokensMax, images } = deps.models.catalog.of(id);
      return { id, ...(label === undefined ? {} : { label }), windowTokens, outputTokensMax, images };
    });
    return ok({ data, hasMore: false, next: null, prev: null });
  },
});

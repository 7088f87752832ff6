import { Death } from "../../shared/jobs/contract.ts";
import { keepDeadLetter as keep } from "../../shared/jobs/dead-letters.ts";
import { currentContext } from "../../shared/platform/context.ts";
import { eventFunction } from "../runtime/background-function.ts";

/** Pub/Sub names the subscription that gave up; each has the name of its function. */
const SOURCE = "CloudPubSubDeadLetterSourceSubscription";
const COUNT = "CloudPubSubDeadLetterSourceDeliveryCount";

/** Keeps what was given up: by our functions, which say why, or by Pub/Sub itself, which does not. */
export const keepDeadLetter = eventFunction({
  name: "keep-dead-letter",
  payload: Death,
  open(deps) {
    return (death) => {
      const { requestId, traceparent } = currentContext() ?? {};
      return keep(deps, death, { requestId, traceparent });
    };
  },
  read(payload, attributes, messageId) {
    const source = attributes[SOURCE];
    if (source === undefined) return payload;
    const cause = { code: "undelivered", message: "Its function did not take it." };
    const attempts = Math.max(1, Number(attributes[COUNT] ?? 1));
    return { function: source, trigger: "event", cause, payload, source: messageId, attempts };
  },
});

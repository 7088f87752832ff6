import { byId, el, fill } from "../frame/dom.ts";
import { findSuite } from "../frame/suite.ts";
import { createTabs } from "../frame/tabs.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { createOperator } from "./operator.ts";

const main = byId("operations");
const suite = await findSuite();
if (suite === undefined) {
  fill(
    main,
    el(
      "p",
      { class: "notice" },
      "Traces, logs and queues are shown by the suite on a developer's machine; here there is none.",
    ),
  );
} else {
  const { views, showTrace } = suite.createOperationsViews();
  const deadLetters = createDeadLetters(createOperator(suite.operatorKey));
  const tabs = createTabs(main, "Console", [...views, deadLetters]);
  // #/traces/{traceId}, as log lines link to.
  const showPlace = (): void => {
    const [tab = "", traceId] = location.hash.slice(2).split("/");
    if (traceId !== undefined) showTrace(traceId);
    tabs.show(tab);
  };
  addEventListener("hashchange", showPlace);
  showPlace();
}

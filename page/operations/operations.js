import { findControl } from "../control.js";
import { byId, el, fill } from "../dom.js";
import { createPanel } from "../panel.js";
import { createDashboard } from "./dashboard.js";
import { createDeadLetters } from "./dead-letters.js";
import { createLineWindow } from "./line-window.js";
import { createOperator } from "./operator.js";
import { createTraces } from "./traces.js";

const main = byId("operations");
const control = await findControl();
if (control === undefined) {
  fill(
    main,
    el(
      "p",
      { class: "notice" },
      "Traces, logs and queues are shown by the suite on a developer's machine; here there is none.",
    ),
  );
} else {
  const { operatorKey } = await control.info();
  const lines = createLineWindow(control);
  const traces = createTraces(control, lines);
  const panel = createPanel(main, [
    createDashboard(control, operatorKey, lines),
    traces,
    createDeadLetters(createOperator(operatorKey)),
  ]);
  // #/traces/{traceId}, as log lines link to.
  const show = () => {
    const [tab = "", traceId] = location.hash.slice(2).split("/");
    if (traceId !== undefined) traces.choose(traceId);
    panel.show(tab);
  };
  addEventListener("hashchange", show);
  show();
}

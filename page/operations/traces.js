import { el, fill } from "../dom.js";
import { clockOf } from "../format.js";
import { poll } from "../polling.js";
import { drawWaterfall, durationOf } from "./waterfall.js";

/**
 * @typedef {{ traceId: string, name: string, service: string, startMs: number, endMs: number, spans: number, failed: number }} Summary
 */

const SHOWN_MAX = 100;
/** What this page asks for again and again, shown only when it is looked for. */
const OWN = /^GET \/v1\/operator\//;

/**
 * The traces of recent requests, and one of them as a waterfall with its log lines.
 *
 * @param {import("../control.js").Control} control
 * @param {ReturnType<typeof import("./line-window.js").createLineWindow>} lines
 */
export function createTraces(control, lines) {
  let chosen = "";
  let drawn = "";
  let listed = "";
  /** @type {ReturnType<typeof poll> | undefined} */
  let polling;
  const list = el("ol", { class: "trace-list" });
  const detail = el("section", { class: "trace-detail", "aria-label": "Trace" });
  const filter = el("input", {
    type: "search",
    placeholder: "POST …/messages",
    "aria-label": "Only traces whose name has",
    oninput: () => polling?.now(),
  });
  const element = el("div", { class: "traces" }, el("div", { class: "trace-side" }, filter, list), detail);

  /** @param {string} traceId */
  const choose = (traceId) => {
    chosen = traceId;
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset["trace"] === traceId));
    }
    polling?.now();
  };

  /** @param {Summary[]} summaries */
  const drawList = (summaries) => {
    const key = JSON.stringify(summaries);
    if (key === listed) return;
    listed = key;
    const focused = document.activeElement?.getAttribute("data-trace");
    fill(
      list,
      ...summaries.map((summary) => el("li", {}, drawSummary(summary, summary.traceId === chosen, choose))),
    );
    if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-trace="${focused}"]`))?.focus();
  };

  /** @param {AbortSignal} signal */
  const look = async (signal) => {
    const wanted = filter.value.trim().toLowerCase();
    const all = await control.traces(signal);
    const summaries = all
      .filter(({ name, traceId }) =>
        wanted === "" ? !OWN.test(name) : `${name} ${traceId}`.toLowerCase().includes(wanted),
      )
      .slice(0, SHOWN_MAX);
    drawList(summaries);
    if (chosen === "" && summaries[0] === undefined)
      fill(detail, el("p", { class: "hint" }, "No traces yet. Send a message, and look here."));
    const traceId = chosen || summaries[0]?.traceId;
    if (traceId === undefined) return false;
    const [spans, entries] = await Promise.all([control.spans(traceId, signal), lines.read(signal)]);
    const said = entries
      .filter(({ entry }) => String(entry["logging.googleapis.com/trace"]).endsWith(traceId))
      .toReversed();
    const key = `${traceId} ${spans.length} ${said.length}`;
    if (key === drawn) return false;
    drawn = key;
    fill(detail, ...drawTrace(traceId, spans, said));
    return true;
  };

  return {
    id: "traces",
    label: "Traces",
    element,
    choose,
    start() {
      polling = poll({ everyMs: 1500, slowestMs: 4000, ask: look });
    },
    stop: () => polling?.stop(),
  };
}

/** @param {Summary} summary @param {boolean} isChosen @param {(traceId: string) => void} choose */
const drawSummary = ({ traceId, name, startMs, endMs, spans, failed }, isChosen, choose) =>
  el(
    "button",
    {
      type: "button",
      "data-trace": traceId,
      "aria-pressed": String(isChosen),
      onclick: () => choose(traceId),
    },
    el("span", { class: "trace-name" }, name),
    el(
      "small",
      {},
      `${clockOf(new Date(startMs).toISOString())} · ${durationOf(endMs - startMs)} · ${spans} spans`,
      failed > 0 && el("span", { class: "failed" }, ` · ${failed} failed`),
    ),
  );

/** @param {string} traceId @param {import("./waterfall.js").Span[]} spans @param {import("../control.js").LogLine[]} said */
function drawTrace(traceId, spans, said) {
  const [root] = spans;
  if (root === undefined) return [el("p", { class: "hint" }, "This trace is no longer kept.")];
  const services = new Set(spans.map(({ service }) => service));
  return [
    el("h2", {}, root.name),
    el("p", { class: "hint" }, `${traceId} · ${spans.length} spans in ${services.size} functions`),
    drawWaterfall(spans),
    el("h3", {}, "Log lines"),
    el(
      "ol",
      { class: "trace-lines" },
      ...said.map(({ at, severity, message }) =>
        el(
          "li",
          { "data-severity": severity },
          el("time", { dateTime: at }, clockOf(at)),
          ` ${severity} `,
          message,
        ),
      ),
    ),
  ];
}

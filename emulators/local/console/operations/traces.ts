import { el, fill } from "../../../../page/frame/dom.ts";
import { clockOf } from "../../../../page/frame/format.ts";
import { poll, type Polling } from "../../../../page/frame/polling.ts";
import type { Control, LogLine } from "../control.ts";
import type { createLineWindow } from "./line-window.ts";
import { drawWaterfall, durationOf, type Span } from "./waterfall.ts";

export interface Summary {
  readonly traceId: string;
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly spans: number;
  readonly failed: number;
}

const SHOWN_MAX = 100;
/** Traces of this page's own polling, which are shown only when the filter is set. */
const OWN = /^GET \/v1\/operator\//;

/** The traces of recent requests, and one of them as a waterfall with its log lines. */
export function createTraces(control: Control, lines: ReturnType<typeof createLineWindow>) {
  let chosen = "";
  let drawn = "";
  let listed = "";
  let polling: Polling | undefined;
  const list = el("ol", { class: "trace-list" });
  const detail = el("section", { class: "trace-detail", "aria-label": "Trace" });
  const filter = el("input", {
    type: "search",
    placeholder: "POST …/messages",
    "aria-label": "Only traces whose name has",
    oninput: () => polling?.now(),
  });
  const element = el("div", { class: "traces" }, el("div", { class: "trace-side" }, filter, list), detail);

  const choose = (traceId: string) => {
    chosen = traceId;
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset["trace"] === traceId));
    }
    polling?.now();
  };

  const drawList = (summaries: readonly Summary[]) => {
    const key = JSON.stringify(summaries);
    if (key === listed) return;
    listed = key;
    const focused = document.activeElement?.getAttribute("data-trace");
    fill(
      list,
      ...summaries.map((summary) => el("li", {}, drawSummary(summary, summary.traceId === chosen, choose))),
    );
    if (focused) list.querySelector<HTMLElement>(`[data-trace="${focused}"]`)?.focus();
  };

  const refresh = async (signal: AbortSignal) => {
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
      polling = poll({ everyMs: 1500, slowestMs: 4000, refresh });
    },
    stop: () => polling?.stop(),
  };
}

const drawSummary = (
  { traceId, name, startMs, endMs, spans, failed }: Summary,
  isChosen: boolean,
  choose: (traceId: string) => void,
) =>
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

function drawTrace(traceId: string, spans: readonly Span[], said: readonly LogLine[]) {
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

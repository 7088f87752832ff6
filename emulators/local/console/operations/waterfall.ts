import { el, fill } from "../../../../page/frame/dom.ts";

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Record<string, unknown>;
  readonly isFailed: boolean;
}

/** A line of the waterfall. `from` and `to` are shares of the whole trace's time. */
export interface Row {
  readonly span: Span;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

/** Even the shortest span gets this share of the width, so that it can be seen and clicked. */
const SHARE_MIN = 0.004;

/**
 * Spans in the order of a waterfall: each below its parent, siblings as they began. A span without a
 * known parent stands on the left.
 */
export function rowsOf(spans: readonly Span[]): Row[] {
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const lengthMs = Math.max(...spans.map((span) => span.endMs)) - startMs || 1;
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const above = ({ parentSpanId = "" }: Span) => (ids.has(parentSpanId) ? parentSpanId : "");
  const children = Map.groupBy(
    spans.toSorted((a, b) => a.startMs - b.startMs),
    above,
  );
  const rows: Row[] = [];
  const walk = (parent: string, depth: number) => {
    for (const span of children.get(parent) ?? []) {
      const from = Math.min((span.startMs - startMs) / lengthMs, 1 - SHARE_MIN);
      const to = Math.max((span.endMs - startMs) / lengthMs, from + SHARE_MIN);
      rows.push({ span, depth, from, to });
      walk(span.spanId, depth + 1);
    }
  };
  walk("", 0);
  return rows;
}

/** "0.4 ms", "12 ms", "1.25 s". */
export function durationOf(ms: number) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** Draws a trace. */
export function drawWaterfall(spans: readonly Span[]) {
  const rows = rowsOf(spans);
  return el("ol", { class: "waterfall", "aria-label": "Spans" }, ...rows.map((row) => drawRow(row, spans)));
}

function drawRow({ span, depth, from, to }: Row, spans: readonly Span[]) {
  const details = el("div", { class: "span-details", hidden: true });
  const bar = el("span", { class: "span-bar", "data-kind": span.kind, "data-failed": span.isFailed });
  bar.style.left = `${from * 100}%`;
  bar.style.width = `${(to - from) * 100}%`;
  const name = el("span", { class: "span-name" }, span.name, el("small", {}, span.service));
  name.style.paddingLeft = `${depth * 0.8}rem`;
  const button = el(
    "button",
    {
      type: "button",
      class: "span-row",
      "aria-expanded": "false",
      onclick: () => {
        details.hidden = !details.hidden;
        button.setAttribute("aria-expanded", String(!details.hidden));
        if (!details.hidden) fill(details, drawDetails(span, spans));
      },
    },
    name,
    el("span", { class: "span-track" }, bar),
    el("span", { class: "span-time" }, durationOf(span.endMs - span.startMs)),
  );
  return el("li", {}, button, details);
}

function drawDetails(span: Span, spans: readonly Span[]) {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  const traceStartMs = Math.min(...spans.map(({ startMs }) => startMs));
  const facts: Readonly<Record<string, unknown>> = {
    span: span.spanId,
    parent: parent?.name ?? span.parentSpanId ?? "none",
    kind: span.kind,
    begins: `${durationOf(span.startMs - traceStartMs)} after the trace`,
    ...span.attributes,
  };
  const pairs = Object.entries(facts).flatMap(([key, value]) => [
    el("dt", {}, key),
    el("dd", {}, String(value)),
  ]);
  return el("dl", {}, ...pairs);
}

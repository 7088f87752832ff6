/** An export that is larger is refused whole. OTLP names no limit; collectors are commonly set to this. */
export const BODY_BYTES_MAX = 20 * 1024 * 1024;

/** How many traces are kept: those that were last added to. */
export const TRACES_MAX = 2_000;
export const SPANS_MAX = 100_000;
/** How many spans of a trace are kept. Further ones are reported as rejected. */
export const SPANS_PER_TRACE_MAX = 5_000;

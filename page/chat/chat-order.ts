/**
 * A place between two others, where undefined is beyond the first or the last. Undefined when there is no
 * number left between them.
 */
export function orderBetween(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined) return after === undefined ? 1 : after - 1;
  if (after === undefined) return before + 1;
  const middle = before + (after - before) / 2;
  return middle > before && middle < after ? middle : undefined;
}

interface Placed {
  readonly number: number;
  readonly order?: number | undefined;
}

/** The lowest place first. */
export const byOrder = (a: Placed, b: Placed) => (a.order ?? 0) - (b.order ?? 0) || a.number - b.number;

export interface Row {
  /** Stays the same as long as it is the same row. */
  readonly key: string;
  /** Changes when the row has to be drawn anew. */
  readonly appearance: string;
}

export interface WindowOptions<R extends Row> {
  /** The element that scrolls. */
  readonly scroller: HTMLElement;
  /** The element that holds the rows. */
  readonly list: HTMLElement;
  draw(row: R): HTMLElement;
  /** Updates the part of a row that does not belong to its appearance. */
  renew(element: HTMLElement, row: R): void;
  /** The reader comes close to the first row. */
  onNearStart(): void;
  /** The reader comes close to the last row. */
  onNearEnd(): void;
  /** The rows have moved: the reader has scrolled, or the view has followed new rows. */
  onMove(atEnd: boolean, byReader: boolean): void;
}

/**
 * A list that keeps only the visible rows in the document, so that ten thousand rows of unequal heights
 * scroll like fifty. Empty space stands for the others, as high as they were or are expected to be. When a
 * row turns out to be taller, or older rows come in above, the rows that the reader sees stay where they are.
 */
export function createWindow<R extends Row>({
  scroller,
  list,
  draw,
  renew,
  onNearStart,
  onNearEnd,
  onMove,
}: WindowOptions<R>) {
  /** Rows drawn beyond either edge, so that scrolling by keys does not show gaps. */
  const overscanPx = 600;
  /** Within this distance to the end, the view follows new rows. */
  const atEndPx = 24;
  const passesMax = 5;

  let rows: readonly R[] = [];
  /** Where each row begins; one more entry says where the last ends. */
  let tops = new Float64Array(1);
  let indexes = new Map<string, number>();
  const heights = new Map<string, number>();
  const drawn = new Map<string, { element: HTMLElement; appearance: string }>();
  let expectedPx = 56;
  let atEnd = true;
  /** No rows will follow the last one that is known. */
  let isWhole = true;
  let lastTop = 0;
  /**
   * The row at the top edge, and how many of its pixels are visible. They are counted from its end, because a
   * row changes at its beginning: it loses its date when an older row comes in above.
   */
  let anchor: { key: string; seen: number } | undefined;
  let frame = 0;

  const before = document.createElement("li");
  const after = document.createElement("li");
  for (const space of [before, after]) {
    space.className = "space";
    space.setAttribute("role", "presentation");
  }
  list.replaceChildren(before, after);

  const total = () => tops[rows.length] as number;

  const layOut = () => {
    if (tops.length !== rows.length + 1) tops = new Float64Array(rows.length + 1);
    let top = 0;
    rows.forEach(({ key }, index) => {
      tops[index] = top;
      top += heights.get(key) ?? expectedPx;
    });
    tops[rows.length] = top;
  };

  /** The row that covers this height. */
  const indexAt = (px: number) => {
    let low = 0;
    let high = rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((tops[middle] as number) <= px) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const wantedTop = () => {
    const bottom = Math.max(total() - scroller.clientHeight, 0);
    if (atEnd) return bottom;
    const index = anchor === undefined ? undefined : indexes.get(anchor.key);
    if (anchor === undefined || index === undefined) return scroller.scrollTop;
    return Math.max(Math.min((tops[index + 1] as number) - anchor.seen, bottom), 0);
  };

  /** Brings the document to the rows from `first` to `last`. */
  const mount = (first: number, last: number) => {
    const wanted = new Set(rows.slice(first, last + 1).map(({ key }) => key));
    for (const [key, { element }] of drawn) {
      if (wanted.has(key)) continue;
      element.remove();
      drawn.delete(key);
    }
    let previous: Element = before;
    for (const row of rows.slice(first, last + 1)) {
      const element = drawOnce(row);
      if (previous.nextElementSibling !== element) previous.after(element);
      previous = element;
    }
    before.style.height = `${tops[first] ?? 0}px`;
    after.style.height = `${total() - (tops[last + 1] ?? 0)}px`;
  };

  const drawOnce = (row: R) => {
    const known = drawn.get(row.key);
    if (known !== undefined && known.appearance === row.appearance) {
      renew(known.element, row);
      return known.element;
    }
    const element = draw(row);
    if (known !== undefined) {
      const focused = known.element.contains(document.activeElement) ? document.activeElement : null;
      known.element.replaceWith(element);
      if (focused !== null) keepFocus(focused, element);
    }
    drawn.set(row.key, { element, appearance: row.appearance });
    return element;
  };

  /**
   * A control of a row had the focus, and the row was drawn anew. The same control gets the focus again, or
   * the first one when it is gone.
   */
  const keepFocus = (focused: Element, element: HTMLElement) => {
    const controls = [...element.querySelectorAll("[data-control]")] as HTMLElement[];
    const name = focused.getAttribute("data-control");
    const same = controls.find((control) => control.getAttribute("data-control") === name);
    (same ?? controls[0] ?? scroller).focus({ preventScroll: true });
  };

  /** Measures the rows in the document. Returns whether a height was other than assumed. */
  const measure = () => {
    let changed = false;
    for (const [key, { element }] of drawn) {
      const height = element.getBoundingClientRect().height;
      if (heights.get(key) === height) continue;
      heights.set(key, height);
      changed = true;
    }
    return changed;
  };

  const render = () => {
    frame = 0;
    if (scroller.clientHeight === 0) return;
    layOut();
    let top = wantedTop();
    for (let pass = 0; rows.length > 0 && pass < passesMax; pass += 1) {
      mount(indexAt(top - overscanPx), indexAt(top + scroller.clientHeight + overscanPx));
      if (!measure()) break;
      layOut();
      top = wantedTop();
    }
    if (rows.length === 0) mount(0, -1);
    // There may be padding below the last row, so the browser says where the end is.
    if (atEnd) top = scroller.scrollHeight - scroller.clientHeight;
    if (Math.abs(scroller.scrollTop - top) >= 1) scroller.scrollTop = top;
    lastTop = scroller.scrollTop;
    if (top < overscanPx) onNearStart();
    if (top + scroller.clientHeight > total() - overscanPx) onNearEnd();
  };

  /** Takes note of where the reader is. */
  const note = (byReader: boolean) => {
    const top = scroller.scrollTop;
    lastTop = top;
    atEnd = isWhole && top + scroller.clientHeight >= scroller.scrollHeight - atEndPx;
    const index = indexAt(top);
    const row = rows[index];
    if (row !== undefined) anchor = { key: row.key, seen: (tops[index + 1] as number) - top };
    onMove(atEnd, byReader);
  };

  /** The reader may have scrolled on since the last event said so. */
  const catchUp = () => {
    if (scroller.scrollTop !== lastTop) note(true);
  };

  const onFrame = () => {
    catchUp();
    render();
  };

  const onScroll = () => {
    // Where render has scrolled to is known already.
    note(scroller.scrollTop !== lastTop);
    if (frame === 0) frame = requestAnimationFrame(onFrame);
  };

  let width = 0;
  const resized = new ResizeObserver(() => {
    catchUp();
    // Texts break elsewhere in another width, so the known heights are forgotten.
    if (width !== scroller.clientWidth) heights.clear();
    width = scroller.clientWidth;
    render();
  });
  resized.observe(scroller);
  scroller.addEventListener("scroll", onScroll, { passive: true });

  return {
    /**
     * @param hasEnd whether the last row is the last there is; otherwise the view does not follow new rows
     */
    show(next: readonly R[], hasEnd: boolean) {
      // Before the rows change, because the reader's place is known by the old ones.
      catchUp();
      isWhole = hasEnd;
      if (!hasEnd) atEnd = false;
      rows = next;
      indexes = new Map(next.map(({ key }, index) => [key, index]));
      if (heights.size > 20) {
        expectedPx = heights.values().reduce((sum, height) => sum + height, 0) / heights.size;
      }
      render();
    },
    toEnd() {
      atEnd = true;
      render();
    },
    /** Scrolls a row into the upper part of the view. */
    toKey(key: string) {
      const index = indexes.get(key);
      if (index === undefined) return;
      atEnd = false;
      const height = (tops[index + 1] as number) - (tops[index] as number);
      anchor = { key, seen: height + scroller.clientHeight / 3 };
      render();
    },
    /** Call it when a row has changed its height by itself. */
    remeasure: render,
    get atEnd() {
      return atEnd;
    },
    destroy() {
      cancelAnimationFrame(frame);
      resized.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    },
  };
}

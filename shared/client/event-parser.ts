/** An event of a stream, as it was sent. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

export interface EventParser {
  /** Takes in what has come, wherever it was cut. */
  push(text: string): void;
  /** Where to resume; undefined as long as the stream has not said. */
  readonly lastEventId: string | undefined;
  /** How long to wait before coming back, where the stream has said so. */
  readonly retryMs: number | undefined;
}

/**
 * Reads `text/event-stream` by the rules of the HTML standard (WHATWG, 9.2.6): lines end with LF, CR or both,
 * a block without data is no event but its id counts, lines that begin with a colon are comments, a block
 * that the stream's end cuts off is dropped. `onEvent` is called once the block's id is the last one.
 */
export function createEventParser(onEvent: (event: StreamEvent) => void): EventParser {
  let rest = "";
  /** So much of the rest has been looked through and holds no line's end. */
  let scanned = 0;
  let isAfterCr = false;
  let isFirst = true;
  let event = "";
  let data: string[] = [];
  let id: string | undefined;
  let lastEventId: string | undefined;
  let retryMs: number | undefined;

  const dispatch = (): void => {
    if (id !== undefined) lastEventId = id;
    const told = data.length === 0 ? undefined : { event: event || "message", data: data.join("\n") };
    event = "";
    data = [];
    if (told !== undefined) onEvent(told);
  };

  const take = (line: string): void => {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  };

  return {
    get lastEventId() {
      return lastEventId;
    },
    get retryMs() {
      return retryMs;
    },
    push(text) {
      rest += isFirst ? text.replace(/^\uFEFF/, "") : text;
      isFirst &&= text === "";
      let begin = 0;
      for (let at = scanned; at < rest.length; at += 1) {
        const character = rest[at];
        // A line ends with its CR; the LF that may follow, even in the next chunk, belongs to it.
        const isHalf = character === "\n" && isAfterCr;
        isAfterCr = character === "\r";
        if (isHalf) begin = at + 1;
        if (isHalf || (character !== "\n" && character !== "\r")) continue;
        take(rest.slice(begin, at));
        begin = at + 1;
      }
      rest = rest.slice(begin);
      scanned = rest.length;
    },
  };
}

/** Line breaks and tabs are text; what else controls a terminal is not. */
const CONTROL = /(?![\n\t])\p{Cc}/gu;
const HIGH_SURROGATE_AT_END = /[\ud800-\udbff]$/;

/**
 * Makes a stream of text storable: half a character waits for its other half, control characters are dropped.
 */
export interface TextCleaner {
  add(text: string): string;
  /** What still waits; a half that stays alone becomes U+FFFD. */
  end(): string;
}

export function createTextCleaner(): TextCleaner {
  let held = "";
  return {
    add(text) {
      const whole = held + text;
      held = whole.endsWith("\r") ? "\r" : (HIGH_SURROGATE_AT_END.exec(whole)?.[0] ?? "");
      return clean(whole.slice(0, whole.length - held.length));
    },
    end() {
      const rest = clean(held);
      held = "";
      return rest;
    },
  };
}

const clean = (text: string): string =>
  text.replaceAll(/\r\n?/g, "\n").toWellFormed().replaceAll(CONTROL, "");

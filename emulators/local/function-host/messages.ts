/** What the suite and a function host tell each other over their IPC channel. */

/** To the host: the suite's clock is this far ahead of the machine's. */
export interface ClockMessage {
  readonly type: "clock";
  readonly offsetMs: number;
}

export type HostMessage =
  /** All functions are registered and the port is open. */
  | { readonly type: "ready"; readonly port: number }
  /** The host can't start; it ends after saying so. */
  | { readonly type: "failed"; readonly reason: string }
  /** Answers a ClockMessage: from now on the functions see that time. */
  | { readonly type: "clock"; readonly offsetMs: number };

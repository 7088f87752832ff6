/** Times and durations between the protos' seconds and nanoseconds and the suite's milliseconds. */
export interface ProtoTime {
  seconds: number;
  nanos: number;
}

/** A Timestamp or Duration as protobufjs decodes it: seconds may be a Long. */
interface DecodedTime {
  readonly seconds?: number | { toNumber(): number } | null;
  readonly nanos?: number | null;
}

/** Milliseconds of a Timestamp or Duration; undefined where the message is absent. */
export function millis(time: DecodedTime | null | undefined): number | undefined {
  if (time === null || time === undefined) return undefined;
  const { seconds } = time;
  const whole = typeof seconds === "number" ? seconds : (seconds?.toNumber() ?? 0);
  return whole * 1000 + (time.nanos ?? 0) / 1e6;
}

/** The Timestamp or Duration of so many milliseconds. */
export function protoTime(ms: number): ProtoTime {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

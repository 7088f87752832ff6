import { StatusError } from "../kernel/status-error.ts";

/** Times inside the emulator are microseconds since the epoch: Firestore's own precision. */
export type Micros = number;

interface TimestampMessage {
  readonly seconds: number;
  readonly nanos: number;
}

export function timestampOf(micros: Micros): TimestampMessage {
  const seconds = Math.floor(micros / 1e6);
  return { seconds, nanos: (micros - seconds * 1e6) * 1000 };
}

/** Reads a `google.protobuf.Timestamp` message, which must be precise to microseconds at most. */
export function microsOf(message: { seconds?: unknown; nanos?: unknown }): Micros {
  const nanos = Number(message.nanos ?? 0);
  if (nanos % 1000 !== 0) {
    throw new StatusError("INVALID_ARGUMENT", "Timestamps must be aligned to microseconds.");
  }
  return Number(message.seconds ?? 0) * 1e6 + nanos / 1000;
}

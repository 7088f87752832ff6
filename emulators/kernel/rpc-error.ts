import { type Metadata, status } from "@grpc/grpc-js";

export type StatusName = keyof typeof status;

/** What an emulated service answers instead of a result: a gRPC status and its message. */
export class RpcError extends Error {
  readonly code: StatusName;
  /** Sent after the status, for clients that read error details from there. */
  readonly trailers: Metadata | undefined;

  constructor(code: StatusName, message: string, trailers?: Metadata) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.trailers = trailers;
  }
}

/** The status number of a name; UNKNOWN for a name that is none. */
export const statusNumber = (code: string): number => status[code as StatusName] ?? status.UNKNOWN;

import { status } from "@grpc/grpc-js";

export type StatusName = keyof typeof status;

/** What an emulated service answers instead of a result: a gRPC status and its message. */
export class RpcError extends Error {
  readonly code: StatusName;

  constructor(code: StatusName, message: string) {
    super(message);
    this.name = "RpcError";
    this.code = code;
  }
}

/** The status number of a name; UNKNOWN for a name that is none. */
export const statusNumber = (code: string): number => status[code as StatusName] ?? status.UNKNOWN;

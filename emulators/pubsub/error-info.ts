import { Metadata } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { StatusError, type StatusName, statusNumber } from "../kernel/status-error.ts";

/** google.rpc.Status with google.rpc.ErrorInfo, as far as the clients read them. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
`);
const Status = root.lookupType("Status");
const ErrorInfo = root.lookupType("ErrorInfo");

interface ErrorInfoFields {
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An error that says more than its status, in the trailer where Google's clients look for it. */
export function errorWithInfo(code: StatusName, message: string, info: ErrorInfoFields): StatusError {
  const value = ErrorInfo.encode({ ...info, domain: "pubsub.googleapis.com" }).finish();
  const details = [{ typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value }];
  const trailers = new Metadata();
  const status = Status.encode({ code: statusNumber(code), message, details }).finish();
  trailers.set("grpc-status-details-bin", Buffer.from(status));
  return new StatusError(code, message, { trailers });
}

import { invalid, required } from "./failure.ts";
import { OBJECT_NAME_BYTES_MAX } from "./limits.ts";

/** The name, if an object may have it: cloud.google.com/storage/docs/objects#naming. */
export function parseObjectName(name: unknown): string {
  if (typeof name !== "string" || name === "") throw required("Required parameter: name");
  if (Buffer.byteLength(name) > OBJECT_NAME_BYTES_MAX) {
    throw invalid(
      `The maximum object length is ${OBJECT_NAME_BYTES_MAX} characters, but got a name with ${Buffer.byteLength(name)} characters.`,
    );
  }
  if (
    /[\r\n]/.test(name) ||
    name === "." ||
    name === ".." ||
    name.startsWith(".well-known/acme-challenge/")
  ) {
    throw invalid(`Invalid object name: '${name}'`);
  }
  if (!name.isWellFormed()) throw invalid("Object names must be valid UTF-8.");
  return name;
}

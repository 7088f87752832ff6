import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** A command line that can't be understood; the message is one line that says why. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The person asked for help; the message is the text to print. */
export class HelpRequest extends Error {
  override readonly name = "HelpRequest";
}

/** Reads options. An unknown option, a missing value or an argument that is no option is a UsageError. */
export function parseOptions<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    // Node adds advice about positional arguments, which no command here has.
    const [problem = ""] = (cause as Error).message.split(/\. |\n/);
    throw new UsageError(`${problem.replace(/\.$/, "")}.`, { cause });
  }
}

/** Google's rule for project ids. */
const PROJECT = /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

export function requireProject(project: string): string {
  if (!PROJECT.test(project)) throw new UsageError("--project needs a Google Cloud project id.");
  return project;
}

import { storedAs } from "../platform/stored.ts";
import type { App } from "../identity/app.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { PersonUsage } from "./contract.ts";

export const storedPersonUsage = storedAs<PersonUsage>();

/** One query; one read for each day on which the person had an answer, in order. */
export async function listPersonUsage(
  app: App,
  person: string,
  from: string,
  to: string,
): Promise<PersonUsage[]> {
  const query = app
    .collection("personUsage")
    .where("person", "==", person)
    .where("day", ">=", from)
    .where("day", "<=", to)
    .orderBy("day");
  return (await within(READ_MS_MAX, query.get())).docs.map((document) => {
    const { day, answers, inputTokens, outputTokens, costMicros } = storedPersonUsage(document);
    return { day, answers, inputTokens, outputTokens, costMicros };
  });
}

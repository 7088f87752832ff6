import type { ApiClient } from "./api-client.ts";

const UNLIMITED = {
  personPerMinute: null,
  tokenPerMinute: null,
  ipPerMinute: null,
  appPerMinute: null,
  signInPerMinute: null,
  codesPerMinute: null,
  codesPerDay: null,
  streamsPerPerson: null,
  streamsPerApp: null,
};

/**
 * Lifts the limits of an app, as only the operator may: tests, replays and measurements are in more of a
 * hurry than people. Returns what puts them back.
 */
export async function liftLimits(operator: ApiClient, app: string): Promise<() => Promise<void>> {
  const path = `/v1/apps/${app}`;
  const { body: before } = await operator.get(path);
  const { status } = await operator.patch(path, { settings: { limits: UNLIMITED } });
  if (status !== 200) throw new Error(`The limits of "${app}" can't be lifted: ${status}.`);
  return async () => {
    await operator.patch(path, { settings: { limits: before.settings.limits } });
  };
}

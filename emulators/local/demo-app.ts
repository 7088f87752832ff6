import { z } from "zod";

const Created = z.object({ token: z.string().min(1) });
const Priced = z.object({
  settings: z.object({ assistant: z.object({ prices: z.record(z.string(), z.unknown()) }) }),
});

/** The app that the page opens with. */
export const DEMO_APP = "demo";

/**
 * The price of a million tokens of each emulated model, in millionths: about what such models cost.
 */
const PRICES = {
  "emulated-large": { inputMicros: 2_500_000, outputMicros: 10_000_000 },
  "emulated-small": { inputMicros: 150_000, outputMicros: 600_000 },
};

/**
 * Makes sure that the demo app exists, with prices for the emulated models. Resolves with its API token, or
 * with undefined for an app that was there before: the API tells the token only when it creates the app.
 */
export async function ensureDemoApp(apiUrl: string, operatorKey: string): Promise<string | undefined> {
  const call = async (method: string, path: string, body?: object): Promise<Response> =>
    fetch(`${apiUrl}/v1/apps${path}`, {
      method,
      headers: {
        authorization: `Bearer ${operatorKey}`,
        "content-type": "application/json",
        ...(method === "POST" ? { "idempotency-key": `"${DEMO_APP}"` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const answer = await call("POST", "", { name: DEMO_APP, id: DEMO_APP });
  const text = await answer.text();
  if (!answer.ok && answer.status !== 409) {
    throw new Error(`The API did not create the app "${DEMO_APP}": ${answer.status} ${text}`);
  }
  // Prices that somebody has set meanwhile are theirs.
  const { settings } = Priced.parse(await (await call("GET", `/${DEMO_APP}`)).json());
  if (Object.keys(settings.assistant.prices).length === 0) {
    await call("PATCH", `/${DEMO_APP}`, { settings: { assistant: { prices: PRICES } } });
  }
  return answer.ok ? Created.parse(JSON.parse(text)).token : undefined;
}

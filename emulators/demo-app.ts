import { z } from "zod";

const Created = z.object({ token: z.string().min(1) });

/** The app that the page opens with. */
export const DEMO_APP = "demo";

/**
 * Makes sure that the demo app exists. Answers with its API token when the API gave one: it does so
 * for the call that creates the app and for a repetition of it, not for an app that was there before.
 */
export async function ensureDemoApp(apiUrl: string, operatorKey: string): Promise<string | undefined> {
  const answer = await fetch(`${apiUrl}/v1/apps`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${operatorKey}`,
      "content-type": "application/json",
      "idempotency-key": `"${DEMO_APP}"`,
    },
    body: JSON.stringify({ name: DEMO_APP, id: DEMO_APP }),
  });
  const text = await answer.text();
  if (answer.status === 409) return undefined;
  if (!answer.ok) throw new Error(`The API did not create the app "${DEMO_APP}": ${answer.status} ${text}`);
  return Created.parse(JSON.parse(text)).token;
}

import { z } from "zod";
import { FAILURES, type FailureCode } from "../../../shared/platform/errors.ts";
import { publicEndpoint } from "../endpoint.ts";

/** The page that a problem's `type` points to. */
export const getProblem = publicEndpoint({
  method: "GET",
  path: "/problems/{code}",
  summary: "Explains an error code.",
  params: z.object({ code: z.enum(Object.keys(FAILURES) as [FailureCode, ...FailureCode[]]) }),
  reply: "html",
  async handle({ params }) {
    const { status, title, retry } = FAILURES[params.code];
    const advice = retry ? "Trying again later can help." : "Sending the same again will not help.";
    const content =
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>${params.code}</title>` +
      `<h1>${params.code}</h1><p>${title}</p><p>HTTP status ${status}. ${advice}</p></html>`;
    return { status: 200, text: { type: "text/html; charset=utf-8", content } };
  },
});

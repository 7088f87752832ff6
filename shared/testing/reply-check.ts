import { isDeepStrictEqual } from "node:util";
import { statusesOf } from "../../functions/runtime/endpoint.ts";
import type { ReplyObserver } from "../../functions/runtime/http-function.ts";

/** Compares the replies of a system's endpoints with what those say that they reply. */
export interface ReplyCheck {
  readonly observe: ReplyObserver;
  /** @throws naming each endpoint that has replied something else */
  demandFit(): void;
}

export function createReplyCheck(): ReplyCheck {
  const misfits = new Set<string>();
  return {
    observe(endpoint, { status, body, json, stream, text }) {
      const wrong = (what: string): void => {
        misfits.add(`${endpoint.method} ${endpoint.path} (${status}) ${what}`);
      };
      if (status >= 400) return;
      if (!statusesOf(endpoint).includes(status)) wrong("is not among its statuses");
      if (stream !== undefined || text !== undefined) return;
      if (body === undefined && json === undefined) {
        if (status === 200 || status === 201 || status === 202) wrong("has no body");
        return;
      }
      if (typeof endpoint.reply === "string") return wrong(`is to be ${endpoint.reply} and has a body`);
      const sent: unknown = JSON.parse(json ?? JSON.stringify(body));
      const parsed = endpoint.reply.safeParse(sent);
      if (!parsed.success) return wrong(parsed.error.issues.map(describe).join("; "));
      // A schema leaves out what it does not know.
      if (!isDeepStrictEqual(parsed.data, sent)) wrong(unknownIn(sent, parsed.data, "").join("; "));
    },
    demandFit() {
      if (misfits.size === 0) return;
      throw new Error(`Replies do not fit their schema:\n${[...misfits].join("\n")}`);
    },
  };
}

const describe = ({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }) =>
  `${path.map(String).join(".")}: ${message}`;

/** The paths at which the two differ. */
function unknownIn(sent: unknown, parsed: unknown, path: string): string[] {
  if (isDeepStrictEqual(sent, parsed)) return [];
  if (typeof sent !== "object" || sent === null || typeof parsed !== "object" || parsed === null) {
    return [`${path}: is not as the schema has it`];
  }
  return Object.entries(sent).flatMap(([name, value]) =>
    Object.hasOwn(parsed, name)
      ? unknownIn(value, (parsed as Record<string, unknown>)[name], `${path}.${name}`)
      : [`${path}.${name}: is not in the schema`],
  );
}

import { HEARTBEAT_MS } from "../../../shared/live/contract.ts";
import { PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from "../../../shared/chat/contract.ts";

const HEARTBEAT = HEARTBEAT_MS / 1000;

/** What holds for the whole API: the description begins with it. Markdown. */
export const OVERVIEW = `
A chat backend for LLM conversations and for chats between people.

**Forms.** JSON in camel case, times as RFC 3339 in UTC. A member that an endpoint does not know is
refused. Members may be added to replies, so a client ignores those that it does not know.

**Credentials.** \`Authorization: Bearer …\` with a person's access token, an app's API token or the
operator's key. Whoever may not see a thing gets the 404 of one that is not there.

**Errors.** Every refusal is \`application/problem+json\` with a \`code\` of a closed set; \`type\` leads
to what it means. 429 and 503 come with \`Retry-After\`.

**Repetitions.** A creating request takes an \`Idempotency-Key\`. Sent again with the same key, it gets
the first reply and changes nothing, also when what it refers to is gone by then. What was acknowledged is
durable.

**Pages.** A list is \`{data, hasMore, next, prev}\`; \`next\` goes on in the same direction as \`cursor\`.
\`limit\` is at most ${PAGE_LIMIT_MAX}, and ${PAGE_LIMIT_DEFAULT} where it is left out.

**ETags.** What has a revision has an \`ETag\`. \`If-None-Match\` saves reading it again. \`If-Match\`
refuses a change that would overwrite somebody else's.

**Streams.** Server-sent events, each with an \`id\` to resume from by \`Last-Event-ID\` or \`?after=\`.
A comment comes every ${HEARTBEAT} s. A stream ends within the hour; the client comes back with its
last id and misses nothing.
`.trim();

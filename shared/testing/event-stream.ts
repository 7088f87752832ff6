import type { Person } from "./start-system.ts";

export interface SseEvent {
  /** NaN where there is none, or it is no number. */
  readonly id: number;
  /** As it stood there; undefined where it did not. */
  readonly lastEventId: string | undefined;
  readonly event: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into events of every shape
  readonly data: any;
}

/** A reader of server-sent events, by the rules of the standard as far as our streams use them. */
export class EventStream implements AsyncDisposable {
  readonly events: SseEvent[] = [];
  readonly headers: Headers;
  readonly status: number;
  /** Resolves once the stream has said from where to resume. */
  readonly reached: Promise<void>;
  lastEventId: string | undefined;
  private readonly abort: AbortController;
  private reach: () => void = () => undefined;
  readonly ended: Promise<void>;
  private wake: () => void = () => undefined;

  private constructor(response: Response, abort: AbortController) {
    this.headers = response.headers;
    this.status = response.status;
    this.abort = abort;
    this.reached = new Promise((resolve) => {
      this.reach = resolve;
    });
    this.ended = this.read(response).catch(() => undefined);
  }

  /** As this person, or as nobody: then the address or the headers say who. */
  static async open(
    url: string,
    person: Person | undefined,
    headers: Record<string, string> = {},
    request: { readonly method?: string; readonly body?: string } = {},
  ): Promise<EventStream> {
    const abort = new AbortController();
    const own = person === undefined ? {} : { authorization: `Bearer ${person.session.accessToken}` };
    const response = await fetch(url, { ...request, headers: { ...own, ...headers }, signal: abort.signal });
    return new EventStream(response, abort);
  }

  private async read(response: Response): Promise<void> {
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
        this.take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
    this.wake();
  }

  private take(block: string): void {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
    if (fields.id !== undefined) {
      this.lastEventId = fields.id;
      this.reach();
    }
    if (fields.event === undefined) return;
    this.events.push({
      id: Number(fields.id),
      lastEventId: fields.id,
      event: fields.event,
      data: JSON.parse(fields.data),
    });
    this.wake();
  }

  async until(condition: (events: readonly SseEvent[]) => boolean): Promise<readonly SseEvent[]> {
    while (!condition(this.events)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort.abort();
    await this.ended;
  }
}

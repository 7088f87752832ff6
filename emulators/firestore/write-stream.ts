import { randomBytes } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import type { DuplexCall, Message } from "../kernel/rpc.ts";
import { StatusError } from "../kernel/status-error.ts";
import { WRITE_STREAM_ANSWERS_MAX, WRITE_STREAM_RESUME_MS } from "./limits.ts";
import { parseDatabase } from "./path.ts";

/** Commits the writes of one request and resolves with the answer. */
type CommitWrites = (database: string, writes: readonly Message[], call: DuplexCall) => Promise<Message>;

/** A stream as it outlives its connections. */
interface Stream {
  readonly id: string;
  readonly database: string;
  /** Answers that the client has not acknowledged, each with its number. */
  answers: { readonly number: number; readonly message: Message }[];
  answered: number;
  /** The commits of a stream happen one after the other, in the order of its requests. */
  last: Promise<void>;
  /** The connection that answers go to; undefined while there is none. */
  call: DuplexCall | undefined;
  cancelAlarm: () => void;
}

const invalid = (message: string): StatusError => new StatusError("INVALID_ARGUMENT", message);
const TOKEN_BYTES = 8;

function tokenOf(number: number): Buffer {
  const token = Buffer.alloc(TOKEN_BYTES);
  token.writeUIntBE(number, 2, 6);
  return token;
}

/**
 * The streams by which web clients write: a handshake, then one commit per request, answered in order.
 * A token numbers each answer, and a request acknowledges the answers up to the token it carries. Who
 * lost the connection resumes by the stream's id and the last token, gets the answers since, and so
 * knows which of the writes were committed. Streams live in memory: after a restart none can be resumed.
 */
export class WriteStreams {
  private readonly clock: Clock;
  private readonly commit: CommitWrites;
  private readonly streams = new Map<string, Stream>();

  constructor(clock: Clock, commit: CommitWrites) {
    this.clock = clock;
    this.commit = commit;
  }

  open(call: DuplexCall): void {
    let stream: Stream | undefined;
    call.onMessage((request) => {
      if (stream === undefined) stream = this.greet(request, call);
      else this.receive(stream, request, call);
    });
    call.onClose(() => {
      if (stream?.call === call) this.leave(stream);
    });
  }

  /** The first message makes a stream or resumes one; it carries no writes. */
  private greet(request: Message, call: DuplexCall): Stream {
    if ((request.writes ?? []).length > 0) throw invalid("The first message of a stream carries no writes.");
    const database = parseDatabase(request.database);
    if (request.streamId !== "") return this.resume(request, database, call);
    const id = randomBytes(8).toString("hex");
    const stream: Stream = {
      id,
      database,
      answers: [],
      answered: 1,
      last: Promise.resolve(),
      call,
      cancelAlarm: () => undefined,
    };
    this.streams.set(id, stream);
    call.send({ streamId: id, streamToken: tokenOf(1) });
    return stream;
  }

  private resume(request: Message, database: string, call: DuplexCall): Stream {
    const stream = this.streams.get(request.streamId);
    if (stream === undefined || stream.database !== database)
      throw invalid("There is no such stream to resume.");
    const number = this.acknowledge(stream, request.streamToken);
    stream.cancelAlarm();
    stream.call?.fail(new StatusError("ABORTED", "The stream was resumed elsewhere."));
    stream.call = call;
    call.send({ streamId: stream.id, streamToken: tokenOf(number) });
    for (const answer of stream.answers) call.send(answer.message);
    return stream;
  }

  /** Forgets the answers that a token acknowledges; returns the number it stands for. */
  private acknowledge(stream: Stream, token: Uint8Array | undefined): number {
    const first = stream.answers[0]?.number ?? stream.answered + 1;
    const bytes = Buffer.from(token ?? []);
    const number = bytes.length === TOKEN_BYTES ? bytes.readUIntBE(2, 6) : Number.NaN;
    if (!(number >= first - 1 && number <= stream.answered)) throw invalid("Invalid stream token.");
    stream.answers = stream.answers.filter((answer) => answer.number > number);
    return number;
  }

  private receive(stream: Stream, request: Message, call: DuplexCall): void {
    if ((request.streamToken?.length ?? 0) > 0) this.acknowledge(stream, request.streamToken);
    if (stream.answers.length >= WRITE_STREAM_ANSWERS_MAX) {
      throw new StatusError("RESOURCE_EXHAUSTED", "Too many answers of the stream are not acknowledged.");
    }
    // A connection that ends takes no commit with it: the answer waits for whoever resumes the stream.
    const lasting = { ...call, signal: new AbortController().signal };
    stream.last = stream.last.then(() => this.answer(stream, request, lasting));
  }

  private async answer(stream: Stream, request: Message, call: DuplexCall): Promise<void> {
    // Requests after a failed one are ignored: the client sends them again on a new stream.
    if (!this.streams.has(stream.id)) return;
    try {
      const response = await this.commit(stream.database, request.writes ?? [], call);
      stream.answered += 1;
      const message = { ...response, streamToken: tokenOf(stream.answered) };
      stream.answers.push({ number: stream.answered, message });
      stream.call?.send(message);
    } catch (cause) {
      this.streams.delete(stream.id);
      stream.cancelAlarm();
      stream.call?.fail(cause instanceof StatusError ? cause : new StatusError("INTERNAL", String(cause)));
    }
  }

  private leave(stream: Stream): void {
    stream.call = undefined;
    stream.cancelAlarm = this.clock.at(this.clock.now() + WRITE_STREAM_RESUME_MS, () =>
      this.streams.delete(stream.id),
    );
  }
}

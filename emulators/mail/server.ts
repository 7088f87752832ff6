import type { AddressInfo, Socket } from "node:net";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { Clock } from "../kernel/clock.ts";
import type { Fault, FaultKind } from "../kernel/faults.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { MAIL_BYTES_MAX } from "./limits.ts";
import { type Mail, type MailFilter, openMailbox } from "./state.ts";

export type { Mail, MailFilter } from "./state.ts";

export interface MailServer {
  /** Listens on the loopback interface; resolves with the port (0: any free one). */
  listen(port: number): Promise<number>;
  /** Mails that have been accepted, the newest first. */
  list(filter?: MailFilter): Mail[];
  /** Calls the listener for each mail once it is stored. Returns a function that removes the listener. */
  onMail(listener: (mail: Mail) => void): () => void;
  close(): Promise<void>;
}

/** An answer that makes the sender try again later: RFC 5321, 4.2.1. */
class TemporaryFailure extends Error {
  readonly responseCode = 451;
}

/** Accepts mail over SMTP for any recipient and keeps it in a mailbox instead of sending it on. */
export function openMail(kernel: Kernel, { path }: { readonly path: string | undefined }): MailServer {
  const mailbox = openMailbox(path);
  const listeners = new Set<(mail: Mail) => void>();
  /** By the sender's port, to drop a connection. */
  const sockets = new Map<number, Socket>();

  const accept = async (session: SMTPServerSession, content: Buffer): Promise<void> => {
    const recipients = session.envelope.rcptTo.map(({ address }) => address);
    const faults = recipients.map((to) => kernel.faults.take("mail", "Send", to));
    if (any(faults, "before")) throw new TemporaryFailure("A planned fault.");
    if (any(faults, "drop")) sockets.get(session.remotePort)?.destroy();
    if (any(faults, "drop") || any(faults, "hang")) return new Promise(() => undefined);
    await pause(kernel.clock, faults);
    const read = mailOf(session, await PostalMime.parse(content), kernel.clock.now());
    const mails = recipients.flatMap((to, index) =>
      faults[index]?.kind === "twice"
        ? [
            { ...read, to },
            { ...read, to },
          ]
        : [{ ...read, to }],
    );
    for (const mail of await mailbox.add(mails)) for (const listener of listeners) listener(mail);
    if (any(faults, "after")) throw new TemporaryFailure("A planned fault.");
  };

  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: MAIL_BYTES_MAX,
    closeTimeout: 1,
    onData(stream, session, answer) {
      void (async () => {
        try {
          const content = await contentOf(stream);
          if (stream.sizeExceeded) {
            return answer(Object.assign(new Error("The mail is too large."), { responseCode: 552 }));
          }
          await accept(session, content);
          answer();
        } catch (cause) {
          if (!(cause instanceof TemporaryFailure)) console.error(cause);
          answer(
            cause instanceof TemporaryFailure ? cause : new TemporaryFailure("The mail was not stored."),
          );
        }
      })();
    },
  });
  server.server.on("connection", (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on("close", () => sockets.delete(port));
  });
  // A sender that hangs up in the middle of a command is ignored.
  server.on("error", () => undefined);

  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.server.once("error", reject);
        server.listen(port, "127.0.0.1", () => resolve((server.server.address() as AddressInfo).port));
      }),
    list: mailbox.list,
    onMail(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      mailbox.close();
    },
  };
}

/** Bytes beyond the allowed size are read and dropped, so that the sender can receive the answer. */
async function contentOf(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function mailOf(session: SMTPServerSession, email: Email, nowMs: number): Omit<Mail, "id" | "to"> {
  const { mailFrom } = session.envelope;
  return {
    from: email.from?.address ?? (mailFrom === false ? "" : mailFrom.address),
    subject: email.subject ?? "",
    text: withoutLastBreak(email.text),
    html: withoutLastBreak(email.html),
    at: new Date(nowMs).toISOString(),
  };
}

const any = (faults: readonly (Fault | undefined)[], kind: FaultKind): boolean =>
  faults.some((fault) => fault?.kind === kind);

async function pause(clock: Clock, faults: readonly (Fault | undefined)[]): Promise<void> {
  const ms = Math.max(...faults.map((fault) => (fault?.kind === "slow" ? fault.ms : 0)));
  if (ms > 0) await new Promise<void>((resolve) => clock.at(clock.now() + ms, resolve));
}

/** SMTP ends every mail with a line break, written by the author or not. */
const withoutLastBreak = (text: string | undefined): string => (text ?? "").replace(/\r?\n$/, "");

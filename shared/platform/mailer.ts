import type { Transporter } from "nodemailer";
import type { Config } from "./config.ts";
import { lazy } from "./lazy.ts";
import { inSpan } from "./trace.ts";

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same id for the same mail, so that a mailbox can tell a repeated delivery. */
  readonly messageId: string;
}

/** The Message-ID of the mail that has this id in the deployment. */
export const messageIdOf = ({ publicUrl }: Pick<Config, "publicUrl">, id: string): string =>
  `<${id}@${new URL(publicUrl).hostname}>`;

export interface Mailer {
  /** Hands the mail to the SMTP server. Resolves when that has accepted it. */
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}

const SMTP_MS_MAX = 10_000;

export function openMailer(config: Pick<Config, "smtpUrl" | "mailFrom">): Mailer {
  const transport = lazy<Transporter>(async () => {
    const { createTransport } = await import("nodemailer");
    return createTransport({
      url: config.smtpUrl,
      // Servers delay their greeting on a new connection, to put off spammers; a connection that is kept
      // sends at once.
      pool: true,
      connectionTimeout: SMTP_MS_MAX,
      greetingTimeout: SMTP_MS_MAX,
      socketTimeout: SMTP_MS_MAX,
    } as never);
  });
  return {
    send: (mail) =>
      inSpan("send mail", "client", { "network.protocol.name": "smtp" }, async () => {
        await (await transport.get()).sendMail({ from: config.mailFrom, ...mail });
      }),
    async close() {
      (await transport.made())?.close();
    },
  };
}

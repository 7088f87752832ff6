import { z } from "zod";
import { pushError, requestError } from "./failure.ts";
import { COLLAPSE_ID_BYTES_MAX, PAYLOAD_BYTES_MAX, TTL_SECONDS_MAX } from "./limits.ts";

/** Proto JSON takes a field under its name in the proto and in camel case. */
const snakeCase = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value).map(([name, field]) => [
          name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
          field,
        ]),
      )
    : value;

const proto = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess(snakeCase, z.strictObject(shape).partial());

const Text = z.string();
const Texts = z.array(Text);
const Strings = z.record(Text, Text);
const Json = z.record(Text, z.unknown());
const Duration = Text.regex(/^\d{1,10}(?:\.\d{1,9})?s$/).refine(
  (text) => Number.parseFloat(text) <= TTL_SECONDS_MAX,
  "must be at most four weeks",
);
const FcmOptions = proto({ analytics_label: Text.regex(/^[A-Za-z0-9-_.~%]{1,50}$/) });
const ApnsOptions = proto({ analytics_label: Text, image: Text, live_activity_token: Text });
const WebpushOptions = proto({ link: Text, analytics_label: Text });

const isReserved = (key: string): boolean =>
  /^(?:from|message_type|collapse_key)$|^google\.|^gcm\./.test(key);
const Data = Strings.refine((data) => !Object.keys(data).some(isReserved), "uses a reserved key");

const AndroidNotification = proto({
  title: Text,
  body: Text,
  icon: Text,
  color: Text,
  sound: Text,
  tag: Text,
  click_action: Text,
  body_loc_key: Text,
  body_loc_args: Texts,
  title_loc_key: Text,
  title_loc_args: Texts,
  channel_id: Text,
  ticker: Text,
  sticky: z.boolean(),
  event_time: z.iso.datetime({ offset: true }),
  local_only: z.boolean(),
  notification_priority: Text,
  default_sound: z.boolean(),
  default_vibrate_timings: z.boolean(),
  default_light_settings: z.boolean(),
  vibrate_timings: z.array(Duration),
  visibility: Text,
  notification_count: z.int(),
  light_settings: Json,
  image: Text,
  bypass_proxy_notification: z.boolean(),
  proxy: Text,
});

const Android = proto({
  collapse_key: Text,
  priority: z.enum(["NORMAL", "HIGH", "normal", "high"]),
  ttl: Duration,
  restricted_package_name: Text,
  data: Data,
  notification: AndroidNotification,
  fcm_options: FcmOptions,
  direct_boot_ok: z.boolean(),
  bandwidth_constrained_ok: z.boolean(),
  restricted_satellite_ok: z.boolean(),
});

const Apns = proto({
  headers: Strings.refine(
    (headers) => Buffer.byteLength(headers["apns-collapse-id"] ?? "") <= COLLAPSE_ID_BYTES_MAX,
    "has an apns-collapse-id of more than 64 bytes",
  ),
  payload: Json,
  fcm_options: ApnsOptions,
});

const Webpush = proto({ headers: Strings, data: Data, notification: Json, fcm_options: WebpushOptions });

const Message = proto({
  name: Text,
  token: Text,
  topic: Text,
  condition: Text,
  data: Data,
  notification: proto({ title: Text, body: Text, image: Text }),
  android: Android,
  webpush: Webpush,
  apns: Apns,
  fcm_options: FcmOptions,
});
export type Message = z.infer<typeof Message>;

const SendRequest = proto({ message: Message, validate_only: z.boolean() });

/**
 * A registration token as an app is given it: an instance id, a colon, and 140 characters or so. Test tokens
 * are shorter.
 */
const TOKEN = /^[\w:%-]{1,4096}$/;

export interface Send {
  readonly token: string;
  readonly message: Message;
  readonly validateOnly: boolean;
}

/** @throws StatusError for what FCM would refuse */
export function parseSend(body: unknown): Send {
  const parsed = SendRequest.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw pushError("INVALID_ARGUMENT", issue?.message ?? "Invalid.", issue?.path.join("."));
  }
  const { message, validate_only: validateOnly = false } = parsed.data;
  if (message === undefined) throw pushError("INVALID_ARGUMENT", "Message is required.", "message");
  const { token, topic, condition } = message;
  const targets = [token, topic, condition].filter((target) => target !== undefined);
  if (targets.length !== 1) {
    throw pushError("INVALID_ARGUMENT", "Exactly one of token, topic or condition is required.", "message");
  }
  if (token === undefined) {
    throw requestError(501, "UNIMPLEMENTED", "Only messages to a token are served.");
  }
  if (!TOKEN.test(token)) {
    const text = "The registration token is not a valid FCM registration token";
    throw pushError("INVALID_ARGUMENT", text, "message.token");
  }
  demandSize(message);
  return { token, message, validateOnly };
}

function demandSize({ notification = {}, data = {} }: Message): void {
  const bytes = Buffer.byteLength(JSON.stringify({ notification, data }));
  if (bytes <= PAYLOAD_BYTES_MAX) return;
  const field = "message.data";
  throw pushError("INVALID_ARGUMENT", `The payload is larger than ${PAYLOAD_BYTES_MAX} bytes.`, field);
}

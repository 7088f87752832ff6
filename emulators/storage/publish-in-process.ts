import { Metadata } from "@grpc/grpc-js";
import { projectOf } from "../kernel/rpc.ts";
import type { openPubSub } from "../pubsub/server.ts";
import type { PublishNotification } from "./notifications.ts";

/** Publishes to the Pub/Sub emulator of the same process, as its Publish would if it were called. */
export function publisherOf({
  services,
}: Pick<ReturnType<typeof openPubSub>, "services">): PublishNotification {
  const publish = services.find(({ proto }) => proto === "google.pubsub.v1.Publisher")?.unary?.Publish;
  if (publish === undefined) throw new Error("The Pub/Sub emulator serves no Publish.");
  return async (topic, { attributes, data }) => {
    await publish(
      { topic, messages: [{ attributes, data }] },
      {
        service: "pubsub",
        method: "Publish",
        resource: topic,
        project: projectOf(topic),
        requestId: undefined,
        metadata: new Metadata(),
        signal: new AbortController().signal,
      },
    );
  };
}

import type { Kernel } from "../kernel/kernel.ts";
import type { DuplexCall, Message } from "../kernel/rpc.ts";
import { UNSENT_BYTES_MAX } from "../kernel/pace.ts";
import { StatusError } from "../kernel/status-error.ts";
import type { Delivery } from "./backlog.ts";
import type { PubSubCore } from "./core.ts";
import { bytesOf } from "./message.ts";
import { accessPulled, checkDeadlines, receivedMessage, settleAcks } from "./pull.ts";
import { createFlowControl, type Receiver } from "./receivers.ts";
import { checkDeadline, type Subscription } from "./subscription.ts";

interface PullStream {
  receive(request: Message): Promise<void>;
  close(): void;
}

/** StreamingPull: messages go out as they come, acknowledgements come in on the same stream. */
export function streamingPull(kernel: Kernel, core: PubSubCore): (call: DuplexCall) => void {
  return (call) => {
    let stream: PullStream | undefined;
    call.onMessage((request) => {
      const isFirst = stream === undefined;
      stream ??= openStream(kernel, core, call, request);
      if (!isFirst && request.subscription) {
        throw new StatusError(
          "INVALID_ARGUMENT",
          "Only the first request of a stream names the subscription.",
        );
      }
      stream.receive(request).catch((cause: unknown) => {
        stream?.close();
        call.fail(
          cause instanceof StatusError ? cause : new StatusError("INTERNAL", "The acknowledgements failed."),
        );
      });
    });
    call.onClose(() => stream?.close());
  };
}

function openStream(kernel: Kernel, core: PubSubCore, call: DuplexCall, first: Message): PullStream {
  const opened = accessPulled(core, first.subscription);
  const keepsAlive = Number(first.protocolVersion) > 0;
  const flow = createFlowControl(Number(first.maxOutstandingMessages), Number(first.maxOutstandingBytes));
  let ackDeadlineMs = parseDeadlineMs(first);
  let open = true;
  /** The reader is slow: what is sent now would only pile up in memory. */
  let slow = false;
  /** Bytes leased for this stream and not yet sent, since the lease is still on its way to the disk. */
  let ahead = 0;
  /** Whether more could have been leased, had it not been for that. */
  let cut = false;

  const receiver: Receiver = {
    get ackDeadlineMs() {
      return ackDeadlineMs;
    },
    room() {
      if (!open || slow) return { messages: 0, bytes: 0 };
      const { messages, bytes } = flow.room();
      cut = bytes > UNSENT_BYTES_MAX - ahead;
      return { messages, bytes: Math.min(bytes, UNSENT_BYTES_MAX - ahead) };
    },
    reserve(deliveries) {
      flow.reserve(deliveries);
      ahead += bytesOfAll(deliveries);
    },
    cancel(deliveries) {
      flow.released(deliveries.map(({ message }) => message.id));
      ahead -= bytesOfAll(deliveries);
    },
    give(deliveries, subscription) {
      ahead -= bytesOfAll(deliveries);
      // When the subscriber has hung up meanwhile, the messages wait for their deadline.
      if (!open) return;
      const receivedMessages = deliveries.map((each) => receivedMessage(subscription, each));
      slow = !call.send({ receivedMessages, subscriptionProperties: propertiesOf(subscription) });
      if (slow) void call.drained().then(resume);
      else if (cut) resume();
    },
    released: flow.released,
    fail(error) {
      close();
      call.fail(error);
    },
  };
  const resume = (): void => {
    slow = false;
    core.loop.ready(opened);
  };
  const remove = core.receivers.add(opened, receiver);
  const close = (): void => {
    open = false;
    remove();
  };
  core.loop.ready(opened);

  return {
    close,
    async receive(request) {
      // The subscription may have been changed since the stream was opened.
      const subscription = core.registry.subscriptionById(opened.id) ?? opened;
      if (request.streamAckDeadlineSeconds) ackDeadlineMs = parseDeadlineMs(request);
      const { ackIds, modifyDeadlineAckIds: modifiedIds, modifyDeadlineSeconds: seconds } = request;
      if (modifiedIds.length !== seconds.length) {
        throw new StatusError(
          "INVALID_ARGUMENT",
          "Each deadline needs an acknowledgement id and the reverse.",
        );
      }
      checkDeadlines(seconds);
      const answer: Message = { subscriptionProperties: propertiesOf(subscription) };
      if (ackIds.length > 0) {
        const { done, invalid } = await settleAcks(kernel, core, subscription, { ackIds });
        answer.acknowledgeConfirmation = { ackIds: done, invalidAckIds: invalid };
      }
      if (modifiedIds.length > 0) {
        const { done, invalid } = await settleAcks(kernel, core, subscription, {
          ackIds: modifiedIds,
          deadlineSeconds: seconds,
        });
        answer.modifyAckDeadlineConfirmation = { ackIds: done, invalidAckIds: invalid };
      }
      const isEmpty = ackIds.length === 0 && modifiedIds.length === 0;
      if (open && (isEmpty ? keepsAlive : subscription.settings.exactlyOnce)) call.send(answer);
    },
  };
}

const bytesOfAll = (deliveries: readonly Delivery[]): number =>
  deliveries.reduce((sum, { message }) => sum + bytesOf(message), 0);

function parseDeadlineMs({ streamAckDeadlineSeconds: seconds }: Message): number {
  checkDeadline(seconds);
  return seconds * 1000;
}

const propertiesOf = ({ settings }: Subscription): Message => ({
  exactlyOnceDeliveryEnabled: settings.exactlyOnce,
  messageOrderingEnabled: settings.ordered,
});

import { Channel, type ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";

/** Calls that one connection carries at once: Google's servers take no more streams of it. */
export const CALLS_PER_CHANNEL_MAX = 100;
/** Beyond what these carry, calls wait for each other. */
export const CHANNELS_MAX = 10;

/** Connections of our own to where Google's client connects to. */
export interface Channels {
  /**
   * For Google's client, which calls it when it opens a connection. What it is given says how: address,
   * credentials and all.
   */
  open(address: string, credentials: ChannelCredentials, options: ChannelOptions): Channel;
  /** Whether Google's client has opened its first; still so when all have been closed. */
  isKnown(): boolean;
  /** The connection for a call; undefined where none is open. */
  take(): { readonly channel: Channel; done(): void } | undefined;
  close(): void;
}

/**
 * Opens them as they are needed. They are not those of Google's client, since it closes its own when it has
 * no use for them, and fills them with streams that last.
 */
export function createChannels(): Channels {
  const lanes: { readonly channel: Channel; calls: number }[] = [];
  let openAnother: (() => Channel) | undefined;
  let isClosed = false;
  return {
    open(address, credentials, options) {
      openAnother = () => new Channel(address, credentials, options);
      return openAnother();
    },
    isKnown: () => isClosed || openAnother !== undefined,
    take() {
      if (openAnother === undefined || isClosed) return undefined;
      let lane = lanes.find(({ calls }) => calls < CALLS_PER_CHANNEL_MAX);
      if (lane === undefined && lanes.length < CHANNELS_MAX) {
        lane = { channel: openAnother(), calls: 0 };
        lanes.push(lane);
      }
      const taken = lane ?? lanes.reduce((least, each) => (each.calls < least.calls ? each : least));
      taken.calls += 1;
      return { channel: taken.channel, done: () => void (taken.calls -= 1) };
    },
    close() {
      isClosed = true;
      for (const { channel } of lanes.splice(0)) channel.close();
    },
  };
}

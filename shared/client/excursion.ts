import type { Message, Page } from "../chat/contract.ts";
import type { Api } from "./api.ts";
import type { MessageTree } from "./message-tree.ts";

/**
 * A look at a message far from the end, with what stands around it, along the message's own branch. The
 * branch that is active for everybody stays as it is.
 */
export interface Excursion {
  /** Undefined while nobody is on one. Oldest first. */
  readonly messages: readonly Message[] | undefined;
  readonly hasOlder: boolean;
  readonly isLoading: boolean;
  /** @throws ApiError */
  begin(message: Pick<Message, "number" | "branch">): Promise<void>;
  loadOlder(): Promise<void>;
  /** Goes on towards the end; where that meets what is shown otherwise, the excursion is over. */
  loadNewer(): Promise<void>;
  end(): void;
}

export interface ExcursionOptions {
  readonly api: Api;
  /** Of the chat's messages. */
  readonly path: string;
  readonly tree: MessageTree;
  /** The branch that is shown otherwise, and whether a message stands on its path as far as that is known. */
  active(): string;
  isOnPath(number: number): boolean;
  onChange(): void;
}

const LIMIT = 40;

interface Place {
  readonly branch: string;
  readonly numbers: readonly number[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

export function createExcursion({
  api,
  path,
  tree,
  active,
  isOnPath,
  onChange,
}: ExcursionOptions): Excursion {
  let place: Place | undefined;
  let isLoading = false;

  const read = async (branch: string, query: string): Promise<Page<Message>> => {
    isLoading = true;
    onChange();
    try {
      const page = await api.get<Page<Message>>(`${path}?${query}&branch=${branch}&limit=${LIMIT}`);
      tree.take(page.data);
      return page;
    } finally {
      isLoading = false;
      onChange();
    }
  };

  const go = (next: Place): void => {
    const last = next.numbers.at(-1);
    place = last === undefined || isOnPath(last) ? undefined : next;
    onChange();
  };

  const inOrder = ({ data }: Page<Message>): number[] =>
    data.map(({ number }) => number).sort((a, b) => a - b);

  return {
    get messages() {
      return place?.numbers.flatMap((number) => tree.get(number) ?? []);
    },
    get hasOlder() {
      return place?.hasOlder === true;
    },
    get isLoading() {
      return isLoading;
    },
    async begin({ number, branch: own }) {
      // What lies on both is shown as everybody sees it.
      for (const branch of new Set([active(), own])) {
        const page = await read(branch, `around=${number}`);
        const numbers = inOrder(page);
        // On every page of messages `next` leads to older ones and `prev` to newer ones.
        const ends = { hasOlder: page.next !== null, hasNewer: page.prev !== null };
        if (numbers.includes(number)) return go({ branch, numbers, ...ends });
      }
    },
    async loadOlder() {
      const from = place;
      if (from === undefined || !from.hasOlder || isLoading) return;
      const page = await read(from.branch, `before=${from.numbers[0]}`);
      if (place !== from) return;
      go({ ...from, numbers: [...inOrder(page), ...from.numbers], hasOlder: page.next !== null });
    },
    async loadNewer() {
      const from = place;
      if (from === undefined || !from.hasNewer || isLoading) return;
      const page = await read(from.branch, `after=${from.numbers.at(-1)}`);
      if (place !== from) return;
      go({ ...from, numbers: [...from.numbers, ...inOrder(page)], hasNewer: page.prev !== null });
    },
    end() {
      place = undefined;
      onChange();
    },
  };
}

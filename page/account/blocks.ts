import type { Api } from "../../shared/client/api.ts";
import type { Page } from "../../shared/client/connect.ts";

export type Blocks = ReturnType<typeof createBlocks>;

export interface Blocked {
  readonly user: string;
  readonly createdAt: string;
}

/** Whom one wants to hear nothing of. */
export function createBlocks(api: Api) {
  const pathOf = (user: string) => `/me/blocks/${encodeURIComponent(user)}`;
  return {
    /** The latest first. */
    list: async (): Promise<readonly Blocked[]> => (await api.get<Page<Blocked>>("/me/blocks")).data,
    block: (user: string) => api.put(pathOf(user), undefined),
    unblock: (user: string) => api.delete(pathOf(user)),
  };
}

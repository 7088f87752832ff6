import { z } from "zod";
import { Block, pageOf } from "../../../shared/chat/contract.ts";
import { blockPerson, listBlocks, unblockPerson } from "../../../shared/chat/log/block-person.ts";
import { UserId } from "../../../shared/identity/contract.ts";
import { AppError } from "../../../shared/platform/errors.ts";
import { noContent, ok } from "../../runtime/reply.ts";
import { appEndpoint } from "../endpoint.ts";

const path = "/v1/apps/{app}/me/blocks/{user}";
const BlockParams = z.object({ user: UserId });

/** All of them: there are at most BLOCKS_MAX. */
export const getBlocks = appEndpoint({
  method: "GET",
  path: "/v1/apps/{app}/me/blocks",
  summary: "Lists whom the caller has blocked.",
  access: "me:read",
  reply: pageOf(Block),
  async handle({ app, principal }) {
    return ok({ data: await listBlocks(app, principal), hasMore: false, next: null, prev: null });
  },
});

export const getBlock = appEndpoint({
  method: "GET",
  path,
  summary: "Says whether the caller has blocked a person.",
  access: "me:read",
  params: BlockParams,
  reply: Block,
  async handle({ app, principal, params }) {
    const block = (await listBlocks(app, principal)).find(({ user }) => user === params.user);
    if (block === undefined) throw new AppError("not_found", "You have not blocked this person.");
    return ok(block);
  },
});

export const putBlock = appEndpoint({
  method: "PUT",
  path,
  summary: "Blocks a person.",
  access: "me:change",
  params: BlockParams,
  reply: Block,
  async handle({ deps, app, principal, params }) {
    return ok(await blockPerson(deps, app, principal, params.user));
  },
});

export const deleteBlock = appEndpoint({
  method: "DELETE",
  path,
  summary: "Unblocks a person.",
  access: "me:change",
  params: BlockParams,
  reply: "empty",
  async handle({ deps, app, principal, params }) {
    await unblockPerson(deps, app, principal, params.user);
    return noContent;
  },
});

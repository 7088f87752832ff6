/** Exports of other products, as tests make them. */

export const chatGptNode = (
  id: string,
  parent: string | null,
  role: string,
  text: string,
  time: number | null = null,
  more: object = {},
) => ({
  id,
  parent,
  children: [],
  message: {
    id,
    author: { role },
    create_time: time,
    content: { content_type: "text", parts: [text] },
    metadata: {},
    ...more,
  },
});

export const chatGptTree = (...nodes: readonly { readonly id: string }[]) =>
  Object.fromEntries(nodes.map((each) => [each.id, each]));

/** A conversation of so many messages one after the other, and a branch off its second. */
export function longChatGpt(id: string, messages: number): object {
  const nodes = Array.from({ length: messages }, (_, index) =>
    chatGptNode(
      `${id}-${index}`,
      index === 0 ? null : `${id}-${index - 1}`,
      index % 2 === 0 ? "user" : "assistant",
      `${id} says ${index}`,
      1_700_000_000 + index,
    ),
  );
  const branch = chatGptNode(`${id}-b`, `${id}-1`, "user", `${id} turns`, 1_700_000_000 + messages);
  return {
    title: id,
    conversation_id: id,
    create_time: 1_700_000_000,
    current_node: `${id}-${messages - 1}`,
    mapping: chatGptTree(...nodes, branch),
  };
}

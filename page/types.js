/**
 * What the page shows, for the type checker alone.
 *
 * @typedef {import("./client/connect.js").User} User
 * @typedef {import("./client/connect.js").Chat} Chat
 * @typedef {import("./client/connect.js").Message} Message
 * @typedef {import("./client/connect.js").Desk} Desk
 * @typedef {import("./client/chat-view.js").ChatView} ChatView
 * @typedef {import("./client/outbox.js").Draft} Draft
 * @typedef {import("./client/api.js").Api} Api
 * @typedef {Message["sender"]} Sender
 *
 * A request that has been made, for the cost view.
 * @typedef {{ method: string, path: string, status: number, ms: number, requestId: string }} Done
 */

/**
 * @template T
 * @typedef {{ data: T[], hasMore: boolean, next: string | null }} Page
 */
export {};

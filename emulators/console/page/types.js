/**
 * The parts of the API's answers that the page uses, for the type checker alone.
 *
 * @typedef {{ id: string, name: string, email?: string, role: string }} User
 * @typedef {{ accessToken: string, refreshToken: string, user: User }} Session
 * @typedef {{ id: string } | { model: string }} Sender
 *
 * @typedef {object} Chat
 * @property {number} number
 * @property {"assistant" | "direct" | "group"} kind
 * @property {string} title
 * @property {string[]} members
 * @property {string} createdBy
 * @property {number} revision
 * @property {number} messagesCount
 * @property {{ number: number, sender: Sender, text: string, createdAt: string }} [latest]
 * @property {number} unreadCount
 * @property {boolean} archived
 * @property {string} createdAt
 * @property {string} updatedAt
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {number} number
 * @property {number} revision
 * @property {Sender} sender
 * @property {string} role
 * @property {string} text
 * @property {string} status
 * @property {Record<string, string[]>} reactions the people, by emoji
 * @property {string} [editedAt]
 * @property {string} createdAt
 */

/**
 * @template T
 * @typedef {{ data: T[], hasMore: boolean, next: string | null }} Page
 */
export {};

/**
 * The client of ackd, the message server that loses nothing: {@link connect}, then {@link Ackd.send} and
 * {@link Ackd.on}.
 *
 * @module
 */
export { Ackd, type Events, type IdentityNews } from "./ackd.js";
export type { IdentityReason, State } from "./channel.js";
export { connect } from "./connect.js";
export { AckdError } from "./error.js";
export { type Identity, type IdentityStore, localIdentity, memoryIdentity } from "./identity.js";
export { MemoryStore } from "./memory.js";
export type { Lost, Message } from "./message.js";
export type { Sockets } from "./link.js";
export type { ConnectOptions, JwtSource, SendOptions } from "./options.js";
export { type Joined, Room, type RoomOptions } from "./room.js";
export { type Accepted, Sent } from "./sent.js";
export type { PresenceChange, SendState, SentChange } from "./session/effect.js";
export {
  type Changes, DeposedError, type Kept, type KeptNote, type KeptPosition, type KeptSend, type OutboxStore, type Outgoing,
} from "./store.js";
export { Watch } from "./watch.js";

/** A new name of 128 random bits, as 32 hexadecimal digits: for outboxes, sends and tabs. */
export function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

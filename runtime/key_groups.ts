/** Fixed for ever: ranges of groups move between workers whole. */
export const KEY_GROUPS = 64

/** Whether so many ranges have as many groups each. */
export const cutsEvenly = (ranges: number): boolean =>
  Number.isInteger(ranges) && ranges > 0 && KEY_GROUPS % ranges === 0

/** FNV-1a (32 bit) of the key, modulo the groups: the function NATS servers use for `partition()`. */
export function keyGroup(key: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % KEY_GROUPS
}

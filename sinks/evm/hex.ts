import { z } from 'zod'

/** 20 bytes, lower case. */
export const Address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hexadecimal digits')
  .transform((text) => text.toLowerCase() as `0x${string}`)
  .brand<'Address'>()
export type Address = z.output<typeof Address>

/** Bytes as `0x…`, lower case. */
export type Hex = `0x${string}`

/** What JSON-RPC calls a quantity, as a whole number. */
export const Quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]+$/)
  .transform((text) => BigInt(text))
export const Bytes = z
  .string()
  .regex(/^0x[0-9a-fA-F]*$/)
  .transform((text) => text.toLowerCase() as Hex)
/** A log as nodes give it. */
export const LoggedEvent = z.object({ address: Address, topics: z.array(Bytes), data: Bytes })
export const toQuantity = (value: number | bigint): Hex => `0x${value.toString(16)}`

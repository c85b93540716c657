import { isTidegateError } from '../schemas/errors.ts'
import { decodeFrame, type Frame } from '../schemas/frame.ts'

/** What is wrong with bytes that should be a frame. */
export interface Damage {
  readonly code: 'FRAME_CORRUPT'
  readonly reason: string
}

/**
 * The frame of an input record, or its damage: who runs it leaves it out, and says so. A frame of another version is no
 * accident, and stops whoever reads it.
 * @throws FRAME_SCHEMA
 */
export function intactFrame(data: Uint8Array, known: Parameters<typeof decodeFrame>[1]): Frame | Damage {
  try {
    return decodeFrame(data, known)
  } catch (error) {
    if (!isTidegateError(error) || error.code !== 'FRAME_CORRUPT') throw error
    return { code: error.code, reason: error.message }
  }
}
export const isDamage = (found: Frame | Damage): found is Damage => 'reason' in found

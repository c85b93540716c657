import { LIMIT, type Variants } from '../fused/variants.ts'

/** Loaded one by one, as those of the fused graph; a further form or engine is a further line here and in engines.ts. */
export const variants: Variants = {
  [LIMIT]: async () => (await import('./hand_fused.ts')).handFused,
  compiled: async () => (await import('./engines.ts')).compiled,
  interpreter: async () => (await import('./engines.ts')).interpreter,
  compiled_plain: async () => (await import('./engines.ts')).compiledPlain,
  compiled_onnx: async () => (await import('./engines.ts')).compiledOnnx,
  interpreter_onnx: async () => (await import('./engines.ts')).interpreterOnnx,
}

/** Forms of the model differ in their last bits: variants are compared with those that run the same one. */
export const bits = (variant: string): string =>
  variant.endsWith('_plain') ? 'plain' : variant.endsWith('_onnx') ? 'onnx' : 'wasm'

import { generate } from '../../schemas/generate.ts'
import type { Network } from '../network.ts'
import type { Memory } from './layout.ts'
import type { KeyPart, Written } from './parts.ts'

/**
 * Puts those slots of a key that are not as they were saved last into `into`, from `at` on, and into its saved row, and
 * marks them, one bit a slot. Gives the place after the last.
 */
export type Changes = (code: number, into: Memory, at: number, saved: Memory, row: number, masks: Int32Array) => number

/**
 * Writes a program that compares a key with what was saved of it, one statement a slot: states are read where they are,
 * and what did not change is not written anywhere. Undefined where the process refuses generated code.
 */
export function changesOf(network: Network, parts: readonly KeyPart[]): Changes | undefined {
  const lines: string[] = []
  const scope: Record<string, unknown> = { N: network }
  let slot = 0
  for (const part of parts.flatMap(({ written }) => written)) {
    lines.push(...statements(part, slot, scope))
    slot += part.width
  }
  const head = 'const s=N.records[c],I=x.real,H=x.halves,W=x.whole,S=o.real,P=o.halves;let e=v;'
  return generate(['c', 'x', 'v', 'o', 'r', 'm'], [head, ...lines, 'return e;'].join('\n'), scope)
}

const mark = (slot: number): string => `m[${slot >> 5}]|=${1 << (slot & 31)};`
const markAny = (slot: number): string => `const n=${slot}+i;m[n>>5]|=1<<(n&31);`
/** One NaN is as good as another, and V8 does not fix its bits; a zero may have changed its sign. */
const number = (value: string, place: string, marked: string): string =>
  `{const x=${value},y=S[${place}];if(x!==y?x===x||y===y:x===0&&Object.is(x,-0)!==Object.is(y,-0)){const z=x===x?x:NaN;S[${place}]=z;I[e++]=z;${marked}}}`
const half = (value: string, slot: number): string =>
  `{W[e]=${value};const l=H[2*e],h=H[2*e+1],b=2*(r+${slot});if(l!==P[b]||h!==P[b+1]){P[b]=l;P[b+1]=h;e++;${mark(slot)}}}`

function statements(part: Written, slot: number, scope: Record<string, unknown>): readonly string[] {
  const one = (value: string, at: number) => number(value, `r+${at}`, mark(at))
  switch (part.type) {
    case 'number':
      return [one(part.text, slot)]
    case 'flag':
      return [one(`(${part.text}===true?1:0)`, slot)]
    case 'whole':
      return [half(`BigInt.asIntN(64,${part.text})`, slot), half(`${part.text}>>64n`, slot + 1)]
    case 'ring': {
      const length = part.width - 2
      const each = number('d[i]', `r+${slot}+i`, markAny(slot))
      const ends = [one('q.next', slot + length), one('q.count', slot + length + 1)]
      return [`{const q=${part.text},d=q.data;for(let i=0;i<${length};i++)${each}`, ...ends, '}']
    }
    case 'memory': {
      // halves of a bigint look like any double: compared by their bits
      const isNumber = new Uint8Array(part.width)
      for (const n of part.numbers) isNumber[n] = 1
      scope['isNumber'] = isNumber
      return [
        `{const M=N.memory.halves,D=N.memory.real;for(let i=0,a=c*${part.width};i<${part.width};i++,a++){`,
        `const l=M[2*a],h=M[2*a+1],b=r+${slot}+i;if(l===P[2*b]&&h===P[2*b+1])continue;`,
        'if(isNumber[i]===1&&D[a]!==D[a]){if(S[b]!==S[b])continue;S[b]=NaN;I[e++]=NaN;}',
        'else{P[2*b]=l;P[2*b+1]=h;H[2*e]=l;H[2*e+1]=h;e++;}',
        `${markAny(slot)}}}`,
      ]
    }
  }
}

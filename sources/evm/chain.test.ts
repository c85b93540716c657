import { array, assert, constantFrom, integer, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { Chain, type Place } from './chain.ts'

interface Node extends Place {
  readonly up: Node | undefined
}
const root: Node = { number: 100, hash: 'r', parent: 'r0', up: undefined }
const grow = (tree: Map<string, Node>, up: Node): Node => {
  const node = { number: up.number + 1, hash: `b${tree.size}`, parent: up.hash, up }
  tree.set(node.hash, node)
  return node
}
const lineOf = (node: Node): readonly string[] => [...(node.up === undefined ? [] : lineOf(node.up)), node.hash]

/** Follows a head as a source does: asks for parents until the branch joins, then tells what is due. */
function follow(chain: Chain<Node, string>, tree: ReadonlyMap<string, Node>, head: Node, told: string[]): boolean {
  const branch = [head]
  for (;;) {
    const judgement = chain.judge(branch)
    if (judgement.type === 'known' || judgement.type === 'behind') return true
    if (judgement.type === 'ask') {
      branch.unshift(tree.get(judgement.parent) as Node)
      continue
    }
    const { undone, whole } = chain.join(branch, judgement.base)
    for (const hash of undone) expect(told.pop()).toBe(hash)
    for (const block of chain.due()) {
      told.push(block.hash)
      chain.tell(block, block.hash)
    }
    return whole
  }
}

const move = record({
  back: integer({ min: 0, max: 9 }),
  ahead: integer({ min: 1, max: 6 }),
  say: constantFrom('all', 'last'),
})
test('whatever reorganisations and skipped heads come, what is told and not taken back is the chain, k deep', () => {
  assert(
    property(integer({ min: 0, max: 4 }), array(move, { maxLength: 25 }), (confirmations, moves) => {
      const tree = new Map([[root.hash, root]])
      const chain = new Chain<Node, string>(64, confirmations)
      chain.begin(root)
      const told: string[] = []
      for (const block of chain.due()) {
        told.push(block.hash)
        chain.tell(block, block.hash)
      }
      let head = root
      for (const { back, ahead, say } of moves) {
        let from = head
        for (let n = 0; n < back && from.up !== undefined; n++) from = from.up
        // A branch is followed once it is as high as what is held.
        for (let n = 0; n < ahead || from.number < head.number; n++) {
          from = grow(tree, from)
          if (say === 'all') follow(chain, tree, from, told)
        }
        head = from
        expect(follow(chain, tree, head, told)).toBe(true)
        const deep = lineOf(head).filter((hash) => (tree.get(hash)?.number ?? 0) <= head.number - confirmations)
        expect(told).toEqual(deep)
        expect(chain.tip?.hash).toBe(head.hash)
      }
    }),
  )
})

const at = (number: number, hash: string, parent: string): Place => ({ number, hash, parent })
const tell = (chain: Chain<Place, string>) => {
  for (const block of chain.due()) chain.tell(block, block.hash)
}

test('a branch below what is held is not yet the chain; at the same height it is', () => {
  const chain = new Chain<Place, string>(64, 0)
  chain.begin(at(1, 'a', 'z'))
  chain.join([at(2, 'b', 'a'), at(3, 'c', 'b')], 0)
  tell(chain)
  expect(chain.judge([at(2, 'b2', 'a')])).toEqual({ type: 'behind' })
  expect(chain.judge([at(2, 'b', 'a')])).toEqual({ type: 'known' })
  expect(chain.judge([at(3, 'c2', 'b2')])).toEqual({ type: 'ask', parent: 'b2' })
  expect(chain.judge([at(2, 'b2', 'a'), at(3, 'c2', 'b2')])).toEqual({ type: 'joins', base: 0 })
  expect(chain.join([at(2, 'b2', 'a'), at(3, 'c2', 'b2')], 0)).toEqual({ undone: ['c', 'b'], whole: true })
})

test('a reorganisation deeper than what is remembered gives back all that is, and says that it is not whole', () => {
  const chain = new Chain<Place, string>(2, 0)
  chain.begin(at(1, 'a1', 'z'))
  for (let n = 2; n <= 9; n++) {
    chain.join([at(n, `a${n}`, `a${n - 1}`)], chainBase(chain, `a${n - 1}`))
    tell(chain)
  }
  const other = [5, 6, 7, 8, 9, 10].map((n) => at(n, `b${n}`, `b${n - 1}`))
  const judged = chain.judge(other)
  expect(judged).toEqual({ type: 'joins', base: -1 })
  expect(chain.join(other, -1)).toEqual({ undone: ['a9', 'a8', 'a7'], whole: false })
  expect(chain.due().map(({ hash }) => hash)).toEqual(['b7', 'b8', 'b9', 'b10'])
})

test('a reorganisation of the very first block is whole: nothing was told below it', () => {
  const chain = new Chain<Place, string>(64, 0)
  chain.begin(at(5, 'a5', 'a4'))
  tell(chain)
  expect(chain.judge([at(5, 'b5', 'b4'), at(6, 'b6', 'b5')])).toEqual({ type: 'joins', base: -1 })
  expect(chain.join([at(4, 'b4', 'b3'), at(5, 'b5', 'b4'), at(6, 'b6', 'b5')], -1)).toEqual({
    undone: ['a5'],
    whole: true,
  })
  expect(chain.due().map(({ hash }) => hash)).toEqual(['b5', 'b6'])
})

function chainBase(chain: Chain<Place, string>, parent: string): number {
  const judged = chain.judge([at((chain.tip?.number ?? 0) + 1, 'next', parent)])
  return judged.type === 'joins' ? judged.base : Number.NaN
}

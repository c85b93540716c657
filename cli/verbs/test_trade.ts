import { wallClock } from '../../runtime/clock.ts'
import { plan as planOf } from '../../runtime/plan.ts'
import { TidegateError } from '../../schemas/errors.ts'
import { toNumber, unitsOf } from '../../schemas/fixed.ts'
import { intentOf, type Market, tradeOf } from '../../sinks/evm/market.ts'
import { checkContracts, readJournal } from '../../sinks/evm/open_executor.ts'
import { type RoundTrip, tryRoundTrip } from '../../sinks/evm/round_trip.ts'
import { cutFixed, quoteIn, type TestSize, testSize } from '../../sinks/evm/test_size.ts'
import { Reverted } from '../../sinks/evm/venues/venue.ts'
import { Book } from '../../sinks/execution/book.ts'
import { folderOf, loadDefinition, setOption } from '../definition.ts'
import { endpointOption } from '../endpoints.ts'
import { stopper } from '../stopper.ts'
import { consented, type EvmSide, evmSideOf, sinksMeant } from '../trading/evm_side.ts'
import { evmSinksOf, secretsOf } from '../trading/journals.ts'
import { type TestLeg, TestTrader } from '../trading/test_round.ts'
import { amountText, legDocument, legText } from '../trading/test_text.ts'
import type { Args, Context, Verb } from '../verb.ts'

export const testTradeVerb: Verb = {
  name: 'test-trade',
  summary:
    'Buys as little as possible and sells it again, on the real chain of a definition; without consent it only simulates.',
  form: 'FILE [--node NODE] [--instrument KEY] [--amount QUOTE] [--confirm ADDRESS]',
  positionals: { min: 1, max: 1 },
  options: {
    set: setOption,
    node: { type: 'string', value: 'NODE', help: 'the execution sink; needed where there are several' },
    instrument: { type: 'string', value: 'KEY', help: 'the market; needed where the sink has several' },
    amount: {
      type: 'string',
      value: 'QUOTE',
      help: 'what to buy for, in whole quote tokens such as 0.5; the least unless named',
    },
    endpoint: endpointOption,
    confirm: { type: 'string', value: 'ADDRESS', help: 'consent to trade with real money: the address of the signer' },
  },
  notes:
    'The least is what has 1000 parts on both sides: units of the token, or 1e-8 where it has more decimals. The trade goes the way of every order: the same key, journal, nodes, simulation, rights and rules; the steps are told as they come, and the document has what it cost to the unit. Both ways are simulated on top of the newest block first (eth_simulateV1), and nothing is sent that would fail; without --confirm that is all, and no key is opened. Exit code 0 when what was bought was sold again, or would be; 1 otherwise. Ctrl-C stops waiting: what is under way stays in the journal, and the next run takes it up.',
  async run(args, context) {
    const [file = ''] = args.positionals
    const plan = planOf(await loadDefinition(file, args), await context.catalogue(folderOf(file)), 'live')
    const sinks = sinksMeant(evmSinksOf(plan), plan.pipeline, args.value('node'))
    const [sink] = sinks
    if (sink === undefined || sinks.length > 1)
      throw new TidegateError('USAGE', `name one with --node: ${sinks.map(({ node }) => node).join(', ')}`)
    const side = evmSideOf(sink, args, context)
    try {
      const market = marketMeant(side, args.value('instrument'))
      if (args.value('confirm') !== undefined)
        consented(args, { pipeline: plan.pipeline, address: sink.of.signer, to: 'a test trade' })
      await checkContracts(side.chain, [market], side.insist)
      const asking = { chain: side.chain, account: sink.params.signer.address, deadline: deadlineOf(side) }
      const amount = amountOf(args, market)
      const about = {
        pipeline: plan.pipeline,
        node: sink.node,
        instrument: market.key,
        chain: sink.of.chain,
        signer: sink.of.signer,
      }
      const size = await side.insist(() => sized(market, asking, amount))
      if ('reverted' in size) {
        const problem = `the venue quotes nothing: ${size.reverted}`
        context.io.document({ ...about, traded: false, problem }, () => problem)
        return 1
      }
      const tried = await tryBoth(side, market, size)
      if (args.value('confirm') !== undefined && tried.problem === null)
        return await traded(side, market, size, about, args, context)
      const told = would(market, size)
      const document = { ...about, traded: false, would: told, ...tried, confirm: sink.of.signer }
      context.io.document(document, () => {
        const does = `${market.key}: would buy ${told.get} for ${told.pay} and sell it for ${told.back}`
        return `${does}\n${triedText(tried)}${tried.problem === null ? `\nto trade: --confirm ${sink.of.signer}` : ''}`
      })
      return tried.problem === null ? 0 : 1
    } finally {
      side.nodes.close()
    }
  },
}

type About = Readonly<Record<'pipeline' | 'node' | 'instrument' | 'chain' | 'signer', string>>
const deadlineOf = ({ params }: EvmSide): number => Math.floor((wallClock.now() + params.deadline) / 1e6)

/** @throws USAGE */
function marketMeant({ markets }: EvmSide, wanted: string | undefined): Market {
  const found = wanted === undefined && markets.size === 1 ? [...markets.values()][0] : markets.get(wanted ?? '')
  if (found !== undefined) return found
  throw new TidegateError('USAGE', `name one with --instrument: ${[...markets.keys()].join(', ')}`, {
    instrument: wanted,
  })
}
/** @throws USAGE */
function amountOf(args: Args, { quote }: Market): bigint | undefined {
  const text = args.value('amount')
  if (text === undefined) return undefined
  const units = /^\d+(?:\.\d+)?$/.test(text) ? unitsOf([text], quote.decimals) : 0n
  if (units > 0n) return units
  throw new TidegateError('USAGE', `--amount: expected quote tokens such as 0.5, found "${text}"`)
}

async function sized(...given: Parameters<typeof testSize>): Promise<TestSize | { readonly reverted: string }> {
  try {
    return await testSize(...given)
  } catch (error) {
    if (error instanceof Reverted) return { reverted: error.message }
    throw error
  }
}

const would = ({ base, quote }: Market, { pay, get, back }: TestSize) => ({
  pay: amountText(pay, quote),
  get: amountText(get, base),
  back: amountText(back, quote),
})

interface Tried {
  readonly simulated: RoundTrip['is']
  readonly loss: number | null
  /** Why it is not to be traded. */
  readonly problem: string | null
}
/** Both ways on top of the newest block. */
async function tryBoth({ chain, nodes, insist, params }: EvmSide, market: Market, size: TestSize): Promise<Tried> {
  const account = params.signer.address
  const now = Math.floor(wallClock.now())
  const row = { id: 'test', edge: '', kind: '', key: market.key, at: now, ordinal: 0, commit: 0, order: 0 }
  const of = { run: '', pipeline: '', node: '' }
  const intent = intentOf({ ...row, value: size.order }, market, of, params, now)
  const trade = tradeOf(intent, market, account, now + params.deadline)
  const tried = await insist(() => tryRoundTrip(trade, market.venue, { nodes, chain, account }))
  const coin = await insist(() => chain.coinBalance())
  const problem = tried.is === 'trap' ? tried.reason : coin === 0n ? `${account} holds no coin to pay gas with` : null
  return { simulated: tried.is, loss: tried.is === 'fair' ? tried.loss : null, problem }
}

function triedText({ loss, problem }: Tried): string {
  if (problem !== null) return problem
  if (loss === null) return 'no node simulates several calls (eth_simulateV1): nothing more is known'
  return `simulated: loses ${(loss * 100).toFixed(2)} %, and gas`
}

async function traded(
  side: EvmSide,
  market: Market,
  size: TestSize,
  about: About,
  args: Args,
  context: Context,
): Promise<number> {
  await refuseHalted(side, context)
  const { io } = context
  const { base, quote } = market
  const stop = stopper(undefined)
  const trader = await TestTrader.open(side, args, context)
  const legs: TestLeg[] = []
  try {
    const { pay, get } = would(market, size)
    io.say(`${market.key}: buying ${get} for about ${pay}`)
    const bought = await trader.trade(market.key, size.order, stop.signal)
    legs.push(bought)
    const quantity = cutFixed(bought.got, base)
    if (bought.state === 'filled' && quantity > 0n && !stop.signal.aborted) {
      const asking = { chain: side.chain, account: side.params.signer.address, deadline: deadlineOf(side) }
      const units = unitsOf([toNumber(quantity)], base.decimals)
      const back = await side.insist(() => quoteIn(market, [base, quote], units, asking))
      const price = toNumber(cutFixed(back, quote)) / toNumber(quantity)
      io.say(`${market.key}: selling ${amountText(bought.got, base)} for about ${amountText(back, quote)}`)
      legs.push(
        await trader.trade(market.key, { side: 'sell', quantity: toNumber(quantity), limit: 0, price }, stop.signal),
      )
    }
  } finally {
    stop.done()
    await trader.close()
  }
  const [bought, sold] = legs
  const whole = sold?.state === 'filled'
  const cost = {
    quote: amountText((bought?.paid ?? 0n) - (sold?.got ?? 0n), quote),
    base: amountText((bought?.got ?? 0n) - (sold?.paid ?? 0n), base),
    gas: amountText(
      legs.reduce((sum, { gas }) => sum + gas, 0n),
      { decimals: 18 },
    ),
  }
  const document = { ...about, traded: true, whole, legs: legs.map((leg) => legDocument(leg, market)), cost }
  io.document(document, () =>
    [
      ...legs.map((leg) => legText(leg, market)),
      whole
        ? `cost ${cost.quote} of the quote token, ${cost.gas} coins of gas; ${cost.base} of the base token are left`
        : `not whole: ${cost.base} of the base token are held; see \`tidegate reconcile\``,
    ].join('\n'),
  )
  return whole ? 0 : 1
}

/** @throws SIGNER_HALTED: an order would wait until it expires */
async function refuseHalted({ of }: EvmSide, context: Context): Promise<void> {
  const book = new Book()
  for (const entry of (await readJournal(secretsOf(context), of)) ?? []) book.add(entry)
  if (book.halt === undefined) return
  const { code, reason } = book.halt
  throw new TidegateError('SIGNER_HALTED', `${of.signer} is halted: ${reason}`, { signer: of.signer, why: code })
}

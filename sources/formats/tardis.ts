/** Tardis spells exchanges like binance-futures; a venue of ours has no hyphen. */
export const venueOf = (exchange: string): string => exchange.replaceAll('-', '_')

export const tardisTime =
  "Event time is the exchange's stamp, or with time: local that of the recorder. Rows lie in the order of the recorder, so exchange stamps of busy venues may run back a little: allow for it with disorder."

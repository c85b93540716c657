/** The environment variables a definition may name: others are none of its business. */
export const secretName = /^TIDEGATE_[A-Z0-9_]+$/

export const secretOf = (name: string): string | undefined => (secretName.test(name) ? process.env[name] : undefined)

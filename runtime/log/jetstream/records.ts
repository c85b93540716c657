import { StorageType } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import type { Link } from './link.ts'

/** Records that do not fit a message, in an object store: the body first, then the message that names it. */
export class Records {
  private readonly link: Link
  private readonly bucket: string
  private readonly replicas: number
  private store: Promise<ObjectStore> | undefined

  constructor(link: Link, bucket: string, replicas: number) {
    this.link = link
    this.bucket = bucket
    this.replicas = replicas
  }
  /** Made when the first large record comes: most logs never need one. */
  private open(): Promise<ObjectStore> {
    this.store ??= new Objm(this.link.js).create(this.bucket, { storage: StorageType.File, replicas: this.replicas })
    return this.store
  }
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await (await this.open()).putBlob({ name }, bytes)
  }
  async get(name: string): Promise<Uint8Array | undefined> {
    return (await (await this.open()).getBlob(name)) ?? undefined
  }
  async delete(name: string): Promise<void> {
    await (await this.open()).delete(name)
  }
}

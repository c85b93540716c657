import type { Client } from 'pg'
import { TidegateError } from '../../schemas/errors.ts'

/**
 * What the database itself keeps true, whatever a program believes: an order is received once for ever, by one signer; a
 * nonce belongs to one order, and an order has one; entries follow each other without holes and are never changed.
 * `json` rather than `jsonb`: it keeps the text, which the checksum is of, and takes NUL, which a contract may put into
 * its reason. To change something, add a migration: these have run.
 */
export const migrations: readonly string[] = [
  `create table tidegate.journals (
     chain text not null,
     signer text not null,
     epoch bigint not null,
     last bigint not null,
     backend integer not null,
     primary key (chain, signer)
   );
   create table tidegate.intents (
     id text primary key,
     chain text not null,
     signer text not null,
     unique (chain, signer, id),
     foreign key (chain, signer) references tidegate.journals
   );
   create table tidegate.nonces (
     chain text not null,
     signer text not null,
     nonce bigint not null,
     intent text not null unique,
     primary key (chain, signer, nonce),
     unique (chain, signer, nonce, intent),
     foreign key (chain, signer, intent) references tidegate.intents (chain, signer, id)
   );
   create table tidegate.entries (
     chain text not null,
     signer text not null,
     sequence bigint not null check (sequence > 0),
     at double precision not null,
     intent text,
     nonce bigint,
     event json not null,
     checksum text not null,
     primary key (chain, signer, sequence),
     foreign key (chain, signer) references tidegate.journals,
     foreign key (chain, signer, intent) references tidegate.intents (chain, signer, id),
     foreign key (chain, signer, nonce, intent) references tidegate.nonces (chain, signer, nonce, intent)
   );
   create index on tidegate.entries (intent);
   create function tidegate.refuse_change() returns trigger language plpgsql as $$
     begin raise exception 'a journal is never changed: %', tg_table_name; end $$;
   create trigger never_changed before update or delete or truncate on tidegate.entries
     execute function tidegate.refuse_change();
   create trigger never_changed before update or delete or truncate on tidegate.intents
     execute function tidegate.refuse_change();
   create trigger never_changed before update or delete or truncate on tidegate.nonces
     execute function tidegate.refuse_change();`,
]

/** Version of the tables; 0 where there are none. @throws JOURNAL_NEWER */
export async function versionOf(client: Client): Promise<number> {
  const there = await client.query("select to_regclass('tidegate.journal_version') is not null as there")
  if (there.rows[0]?.there !== true) return 0
  const { rows } = await client.query<{ version: number }>('select version from tidegate.journal_version')
  const version = rows[0]?.version ?? 0
  if (version > migrations.length)
    throw new TidegateError(
      'JOURNAL_NEWER',
      `the database: expected tables of version ${migrations.length} or older, found ${version}`,
      { version },
    )
  return version
}

/** Creates what is absent; a role that may not is fine where everything is there. @throws JOURNAL_NEWER */
export async function migrate(client: Client): Promise<void> {
  if ((await versionOf(client)) === migrations.length) return
  await client.query('begin')
  try {
    await client.query("select pg_advisory_xact_lock(hashtextextended('tidegate.journal_version', 0))")
    await client.query('create schema if not exists tidegate')
    await client.query(
      'create table if not exists tidegate.journal_version (one boolean primary key default true check (one), version integer not null)',
    )
    const version = await versionOf(client)
    for (const migration of migrations.slice(version)) await client.query(migration)
    await client.query(
      'insert into tidegate.journal_version (version) values ($1) on conflict (one) do update set version = $1',
      [migrations.length],
    )
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

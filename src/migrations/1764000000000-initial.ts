import type { MigrationInterface, QueryRunner } from 'typeorm';

import { namesIn } from './names.js';

/**
 * Creates the tables of this module under the connection's `schema` and `entityPrefix`. The schema itself must exist.
 *
 * Rows of challenges and limits are rewritten often and live briefly: room in each page keeps the updates local (HOT),
 * and `vacuum_truncate` is off because a table that shrinks to nothing overnight invites plans that scan it whole.
 */
export class Initial1764000000000 implements MigrationInterface {
  // Written out, since a bundler may rename the class and TypeORM sorts by this name.
  readonly name = 'Initial1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { tables, primaryKey, index } = namesIn(queryRunner);
    await queryRunner.query(`
      CREATE TABLE ${tables.challenges} (
        "id" uuid NOT NULL,
        "handle_hash" bytea NOT NULL,
        "purpose" text NOT NULL,
        "subject" text NOT NULL,
        "class" text NOT NULL,
        "gate_key" bytea NOT NULL,
        "phone" text NOT NULL,
        "region" text NOT NULL,
        "client" bytea,
        "session_binding" bytea,
        "action_digest" bytea,
        "unverified_keys" bytea array NOT NULL,
        "locale" text NOT NULL,
        "provider" text NOT NULL,
        "provider_ref" text,
        "vendor_slot" text,
        "checker" text NOT NULL,
        "code_mac" bytea,
        "key_id" text NOT NULL,
        "status" text NOT NULL,
        "tries" smallint NOT NULL DEFAULT 0,
        "max_tries" smallint NOT NULL,
        "sends" smallint NOT NULL DEFAULT 1,
        "created_at" timestamptz NOT NULL,
        "last_send_at" timestamptz NOT NULL,
        "expires_at" timestamptz NOT NULL,
        "ended_at" timestamptz,
        CONSTRAINT ${primaryKey('challenges', ['id'])} PRIMARY KEY ("id")
      ) WITH (fillfactor = 70, vacuum_truncate = false)`);
    // At most one live challenge per phone, purpose and known client.
    await queryRunner.query(`
      CREATE UNIQUE INDEX ${index('challenges', ['phone', 'purpose', 'client'], 'ended_at IS NULL AND client IS NOT NULL')}
      ON ${tables.challenges} ("phone", "purpose", "client") WHERE ended_at IS NULL AND client IS NOT NULL`);
    // At most one live challenge per phone at a vendor that finds its codes by phone alone.
    await queryRunner.query(`
      CREATE UNIQUE INDEX ${index('challenges', ['phone', 'vendor_slot'], 'ended_at IS NULL AND vendor_slot IS NOT NULL')}
      ON ${tables.challenges} ("phone", "vendor_slot") WHERE ended_at IS NULL AND vendor_slot IS NOT NULL`);

    await queryRunner.query(`
      CREATE TABLE ${tables.limits} (
        "key" bytea NOT NULL,
        "used" integer NOT NULL,
        "cap" integer NOT NULL,
        "at" timestamptz NOT NULL,
        "ends_at" timestamptz NOT NULL,
        "strikes" smallint NOT NULL DEFAULT 0,
        "streak" integer NOT NULL DEFAULT 0,
        CONSTRAINT ${primaryKey('limits', ['key'])} PRIMARY KEY ("key")
      ) WITH (fillfactor = 80, vacuum_truncate = false)`);

    await queryRunner.query(`
      CREATE TABLE ${tables.grants} (
        "hash" bytea NOT NULL,
        "challenge_id" uuid NOT NULL,
        "purpose" text NOT NULL,
        "subject" text NOT NULL,
        "phone" text NOT NULL,
        "session_binding" bytea,
        "action_digest" bytea,
        "created_at" timestamptz NOT NULL,
        "expires_at" timestamptz NOT NULL,
        "consumed_at" timestamptz,
        CONSTRAINT ${primaryKey('grants', ['hash'])} PRIMARY KEY ("hash")
      ) WITH (fillfactor = 80)`);
    await queryRunner.query(`CREATE INDEX ${index('grants', ['expires_at'])} ON ${tables.grants} ("expires_at")`);

    await queryRunner.query(`
      CREATE TABLE ${tables.verifiedNumbers} (
        "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        "phone" text NOT NULL,
        "owner" text NOT NULL,
        "verified_at" timestamptz NOT NULL,
        "last_proved_at" timestamptz NOT NULL,
        "source" text NOT NULL,
        "released_at" timestamptz,
        "release_reason" text,
        CONSTRAINT ${primaryKey('verifiedNumbers', ['id'])} PRIMARY KEY ("id")
      )`);
    // One active owner per number: the guarantee behind "this number is already activated".
    await queryRunner.query(`
      CREATE UNIQUE INDEX ${index('verifiedNumbers', ['phone'], 'released_at IS NULL')}
      ON ${tables.verifiedNumbers} ("phone") WHERE released_at IS NULL`);
    await queryRunner.query(`
      CREATE INDEX ${index('verifiedNumbers', ['owner'])} ON ${tables.verifiedNumbers} ("owner")`);

    await queryRunner.query(`
      CREATE TABLE ${tables.sends} (
        "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        "challenge_id" uuid NOT NULL,
        "send_number" smallint NOT NULL,
        "provider" text NOT NULL,
        "provider_ref" text,
        "outcome" text NOT NULL,
        "segments" smallint,
        "cost" text,
        "latency_ms" integer NOT NULL,
        "at" timestamptz NOT NULL,
        CONSTRAINT ${primaryKey('sends', ['id'])} PRIMARY KEY ("id")
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tables } = namesIn(queryRunner);
    for (const table of Object.values(tables)) await queryRunner.query(`DROP TABLE ${table}`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

import { namesIn } from './names.js';

/** Recovery codes and trusted devices, and what a grant was won by, since a recovery code proves no phone. */
export class RecoveryAndDevices1764520000000 implements MigrationInterface {
  readonly name = 'RecoveryAndDevices1764520000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { tables, laterTables, primaryKey, index } = namesIn(queryRunner);
    await queryRunner.query(`ALTER TABLE ${tables.grants} ADD COLUMN "source" text NOT NULL DEFAULT 'code'`);

    await queryRunner.query(`
      CREATE TABLE ${laterTables.recoveryCodes} (
        "account" text NOT NULL,
        "place" smallint NOT NULL,
        "hash" bytea NOT NULL,
        "issued_at" timestamptz NOT NULL,
        "used_at" timestamptz,
        CONSTRAINT ${primaryKey('recoveryCodes', ['account', 'place'])} PRIMARY KEY ("account", "place")
      )`);

    await queryRunner.query(`
      CREATE TABLE ${laterTables.trustedDevices} (
        "id" uuid NOT NULL,
        "account" text NOT NULL,
        "label" text,
        "series_hash" bytea NOT NULL,
        "secret_hash" bytea NOT NULL,
        "previous_hash" bytea,
        "trusted_at" timestamptz NOT NULL,
        "last_used_at" timestamptz NOT NULL,
        "expires_at" timestamptz NOT NULL,
        CONSTRAINT ${primaryKey('trustedDevices', ['id'])} PRIMARY KEY ("id")
      ) WITH (fillfactor = 80)`);
    await queryRunner.query(`
      CREATE UNIQUE INDEX ${index('trustedDevices', ['series_hash'])} ON ${laterTables.trustedDevices} ("series_hash")`);
    await queryRunner.query(`
      CREATE INDEX ${index('trustedDevices', ['account'])} ON ${laterTables.trustedDevices} ("account")`);
    await queryRunner.query(`
      CREATE INDEX ${index('trustedDevices', ['expires_at'])} ON ${laterTables.trustedDevices} ("expires_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tables, laterTables } = namesIn(queryRunner);
    await queryRunner.query(`DROP TABLE ${laterTables.trustedDevices}`);
    await queryRunner.query(`DROP TABLE ${laterTables.recoveryCodes}`);
    await queryRunner.query(`ALTER TABLE ${tables.grants} DROP COLUMN "source"`);
  }
}

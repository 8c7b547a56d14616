import type { MigrationInterface, QueryRunner } from 'typeorm';

import { namesIn } from './names.js';

/**
 * The audit, to which rows can only be added: a trigger refuses every update and truncate, and the delete of a row that is
 * younger than 30 days, whoever asks. Rows of challenges and grants carry the keyed hash of their number for it.
 */
export class Audit1764510000000 implements MigrationInterface {
  readonly name = 'Audit1764510000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { tables, laterTables, primaryKey, index, inSchema, nameOf } = namesIn(queryRunner);
    await queryRunner.query(`ALTER TABLE ${tables.challenges} ADD COLUMN "phone_hash" bytea`);
    await queryRunner.query(`ALTER TABLE ${tables.grants} ADD COLUMN "phone_hash" bytea`);
    await queryRunner.query(`
      CREATE TABLE ${laterTables.audit} (
        "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        "at" timestamptz NOT NULL DEFAULT clock_timestamp(),
        "event" text NOT NULL,
        "outcome" text,
        "purpose" text,
        "account" text,
        "phone_hash" bytea,
        "challenge_id" uuid,
        "class" text,
        "provider" text,
        CONSTRAINT ${primaryKey('audit', ['id'])} PRIMARY KEY ("id")
      )`);
    // One for each thing that an operator asks after, in the order of the answer.
    for (const column of ['phone_hash', 'account', 'challenge_id']) {
      await queryRunner.query(`
        CREATE INDEX ${index('audit', [column, 'id'], `${column} IS NOT NULL`)}
        ON ${laterTables.audit} ("${column}", "id") WHERE ${column} IS NOT NULL`);
    }

    const refuse = inSchema(nameOf('audit', 'append_only'));
    await queryRunner.query(`
      CREATE FUNCTION ${refuse}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          IF OLD.at < clock_timestamp() - interval '30 days' THEN
            RETURN OLD;
          END IF;
        END IF;
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
      END $$`);
    await queryRunner.query(`
      CREATE TRIGGER ${nameOf('audit', 'no_change')} BEFORE UPDATE OR DELETE ON ${laterTables.audit}
      FOR EACH ROW EXECUTE FUNCTION ${refuse}()`);
    await queryRunner.query(`
      CREATE TRIGGER ${nameOf('audit', 'no_truncate')} BEFORE TRUNCATE ON ${laterTables.audit}
      FOR EACH STATEMENT EXECUTE FUNCTION ${refuse}()`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tables, laterTables, inSchema, nameOf } = namesIn(queryRunner);
    await queryRunner.query(`DROP TABLE ${laterTables.audit}`);
    await queryRunner.query(`DROP FUNCTION ${inSchema(nameOf('audit', 'append_only'))}()`);
    await queryRunner.query(`ALTER TABLE ${tables.grants} DROP COLUMN "phone_hash"`);
    await queryRunner.query(`ALTER TABLE ${tables.challenges} DROP COLUMN "phone_hash"`);
  }
}

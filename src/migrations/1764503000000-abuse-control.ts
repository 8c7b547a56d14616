import type { MigrationInterface, QueryRunner } from 'typeorm';

import { namesIn } from './names.js';

/** What a counter needs to know of verified messages, and why an operator stopped sending. */
export class AbuseControl1764503000000 implements MigrationInterface {
  readonly name = 'AbuseControl1764503000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { tables } = namesIn(queryRunner);
    await queryRunner.query(`
      ALTER TABLE ${tables.limits}
        ADD COLUMN "verified" integer NOT NULL DEFAULT 0,
        ADD COLUMN "floor" smallint NOT NULL DEFAULT 0,
        ADD COLUMN "reason" text`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tables } = namesIn(queryRunner);
    await queryRunner.query(`
      ALTER TABLE ${tables.limits} DROP COLUMN "reason", DROP COLUMN "floor", DROP COLUMN "verified"`);
  }
}

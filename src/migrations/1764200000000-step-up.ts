import type { MigrationInterface, QueryRunner } from 'typeorm';

import { namesIn } from './names.js';

/** What step-ups and the ledger's changes need: the words of an action, the hold of a number, and its released bindings. */
export class StepUp1764200000000 implements MigrationInterface {
  readonly name = 'StepUp1764200000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { tables, index } = namesIn(queryRunner);
    await queryRunner.query(`ALTER TABLE ${tables.challenges} ADD COLUMN "action_shown" jsonb`);
    await queryRunner.query(`ALTER TABLE ${tables.verifiedNumbers} ADD COLUMN "held_until" timestamptz`);
    // Every verify and every use of a grant asks whether the number was released meanwhile.
    await queryRunner.query(`
      CREATE INDEX ${index('verifiedNumbers', ['phone', 'released_at'])}
      ON ${tables.verifiedNumbers} ("phone", "released_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { tables, inSchema, index } = namesIn(queryRunner);
    await queryRunner.query(`DROP INDEX ${inSchema(index('verifiedNumbers', ['phone', 'released_at']))}`);
    await queryRunner.query(`ALTER TABLE ${tables.verifiedNumbers} DROP COLUMN "held_until"`);
    await queryRunner.query(`ALTER TABLE ${tables.challenges} DROP COLUMN "action_shown"`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

import { allStatements, dropStatements } from '../functions.js';
import { namespaceOf } from './namespace.js';

/**
 * Creates the tables, types and functions of this module under the connection's `schema` and `entityPrefix`. The schema
 * itself must exist.
 */
export class Initial1764000000000 implements MigrationInterface {
  // A literal, since a bundler may rename the class and TypeORM sorts by this name.
  readonly name = 'Initial1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of allStatements(await namespaceOf(queryRunner))) await queryRunner.query(sql);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const sql of dropStatements(await namespaceOf(queryRunner))) await queryRunner.query(sql);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The bank's own tables. Keys have the names that TypeORM generates, so that `migration:generate` finds no difference.
 */
export class Bank1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "bank_users" (
        "id" uuid NOT NULL,
        "name" text NOT NULL,
        "password_hash" text NOT NULL,
        "created_at" timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "PK_4343f0b97034714079a66406518" PRIMARY KEY ("id")
      )`);
    await queryRunner.query(`
      CREATE TABLE "bank_sessions" (
        "id" uuid NOT NULL,
        "user_id" uuid NOT NULL,
        "amr" text array NOT NULL,
        "created_at" timestamptz NOT NULL DEFAULT now(),
        "ended_at" timestamptz,
        CONSTRAINT "PK_199bd491da20b49b6a77fb7ce04" PRIMARY KEY ("id"),
        CONSTRAINT "FK_b5cc6f6db333bd78a8a4d0ceaf0" FOREIGN KEY ("user_id") REFERENCES "bank_users" ("id") ON DELETE CASCADE
      )`);
    await queryRunner.query(`CREATE INDEX "IDX_b5cc6f6db333bd78a8a4d0ceaf" ON "bank_sessions" ("user_id")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "bank_sessions"`);
    await queryRunner.query(`DROP TABLE "bank_users"`);
  }
}

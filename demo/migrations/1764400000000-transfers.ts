import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Transfers, and the counters of password attempts. */
export class Transfers1764400000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE "bank_transfers" (
        "id" uuid NOT NULL,
        "user_id" uuid NOT NULL,
        "amount" bigint NOT NULL,
        "currency" text NOT NULL,
        "payee" text NOT NULL,
        "created_at" timestamptz NOT NULL,
        "executed_at" timestamptz,
        CONSTRAINT "PK_f8e16aece70460615b4a80d0749" PRIMARY KEY ("id"),
        CONSTRAINT "FK_5ef4125524110ef96dcdc053750" FOREIGN KEY ("user_id") REFERENCES "bank_users" ("id") ON DELETE CASCADE
      )`);
    await queryRunner.query(
      `CREATE INDEX "IDX_2a93f3e6891774f22321b64938" ON "bank_transfers" ("user_id", "created_at")`,
    );
    await queryRunner.query(`
      CREATE TABLE "bank_password_attempts" (
        "phone" text NOT NULL,
        "attempts" integer NOT NULL,
        "ends_at" timestamptz NOT NULL,
        CONSTRAINT "PK_9de383614f50ee93b95a2007463" PRIMARY KEY ("phone")
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "bank_password_attempts"`);
    await queryRunner.query(`DROP TABLE "bank_transfers"`);
  }
}

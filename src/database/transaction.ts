/**
 * Declares the transaction type of the application's data layer, if it is neither TypeORM's `EntityManager` nor a
 * client of `pg`: `declare module 'nestjs-phone-otp' { interface OtpTypes { transaction: … } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- for hosts to add to
export interface OtpTypes {}

/** Anything that can run a statement: TypeORM's `EntityManager` and `QueryRunner`, and a client of `pg`, unchanged. */
export interface SqlTransaction {
  // oxlint-disable-next-line typescript/no-explicit-any -- as in TypeORM and pg
  query(text: string, values?: any[]): Promise<any>;
}

/**
 * A transaction that the application has begun. A call that takes it commits or rolls back with it.
 *
 * With TypeORM it is the `manager` of `dataSource.transaction((manager) => …)`.
 */
export type OtpTransaction = OtpTypes extends { transaction: infer T } ? T : SqlTransaction;

/**
 * Says which transaction type the application's data layer has, where that is neither TypeORM's `EntityManager` nor a client of `pg`:
 * `declare module 'nestjs-phone-otp' { interface OtpTypes { transaction: … } }`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- for hosts to add to
export interface OtpTypes {}

/** What can run a statement: TypeORM's `EntityManager` and `QueryRunner`, and a client of `pg`, as they are. */
export interface SqlTransaction {
  // oxlint-disable-next-line typescript/no-explicit-any -- as in TypeORM and pg
  query(text: string, values?: any[]): Promise<any>;
}

/**
 * A transaction that the application has begun. What takes one commits with it, or not at all.
 *
 * With TypeORM it is the `manager` of `dataSource.transaction((manager) => …)`.
 */
export type OtpTransaction = OtpTypes extends { transaction: infer T } ? T : SqlTransaction;

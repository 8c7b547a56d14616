import {
  type BudgetClass,
  isServicePlace,
  type Limits,
  type Place,
  PLACES,
  type SendContext,
  type ServicePlace,
} from '../limits/limits.js';
import { OtpError, type OtpErrorCode } from '../otp.error.js';
import type { OtpSettings } from '../otp.options.js';
import { cancelSql, type CancelParameters, type CancelRow } from './cancel.sql.js';
import { conversionSql, type ConversionParameters, type ConversionRow } from './conversion.sql.js';
import type { Database } from './database.js';
import {
  failSql,
  type FailParameters,
  handOverSql,
  type HandOverParameters,
  markSql,
  type MarkParameters,
} from './mark.sql.js';
import {
  forgetSendingSql,
  PURGE_BATCH,
  purgeAuditSql,
  purgeChallengesSql,
  purgeDevicesSql,
  purgeGrantsSql,
  purgeLimitsSql,
  purgeSendsSql,
} from './purge.sql.js';
import { findSql, resendSql, type FindParameters, type FindRow, type ResendParameters } from './resend.sql.js';
import {
  limitParameters,
  type LimitAnswer,
  type LimitParameters,
  type Lowered,
  type Shape,
  shapeOf,
} from './reserve-limits.sql.js';
import { roomSql, unlockSql } from './service-rows.sql.js';
import { settleSql, type SettleParameters } from './settle.sql.js';
import { startSql, type StartParameters, type StartShape } from './start.sql.js';
import { countFailureSql, type SprayParameters } from './spray.sql.js';
import type { Statement } from './statement.js';
import { resumeSql, type StopParameters, stopSql, stopsSql } from './stops.sql.js';
import type { Tables } from './tables.js';
import { underwaySql, type UnderwayParameters, type UnderwayRow } from './underway.sql.js';
import { verifySql, type VerifyParameters, type VerifyRow } from './verify.sql.js';

/** A message that may now be sent: its slots are taken and its challenge is stored. */
export interface Reserved {
  readonly expiresAt: Date;
  readonly resendAt: Date;
  readonly class: BudgetClass;
  /** Nothing is to be sent. */
  readonly decoy: boolean;
  /** Of what, with this message, too few messages were verified. */
  readonly lowered: readonly (Omit<Lowered, 'place'> & { place: Place })[];
}

/** Which limit stood in the way, in words for operators: a counter, `conversion` for a share of verified messages, or a stop. */
export type LimitName =
  | 'cooldown'
  | 'gate'
  | 'phone_hour'
  | 'phone_day'
  | 'account_hour'
  | 'account_day'
  | 'address'
  | 'prefix'
  | 'unverified'
  | 'minute'
  | 'budget'
  | 'region'
  | 'spend'
  | 'conversion'
  | 'stopped'
  | 'provider_stopped';

/** A refusal by a limit. Which one is for operators: no serializer finds it, so no caller does. */
export class LimitError extends OtpError {
  readonly #limit: LimitName;

  constructor(limit: LimitName, code: OtpErrorCode, message: string, retryAfterSeconds: number) {
    super(code, message, { retryAfterSeconds });
    this.#limit = limit;
  }

  get limit(): LimitName {
    return this.#limit;
  }
}

type Own<P extends LimitParameters> = Omit<P, keyof LimitParameters>;
type ReserveAnswer = LimitAnswer & { expires_at: Date | null; decoy: boolean | null; alive?: boolean };

/** Times a statement may lose a race for a counter before the caller is told to come again. */
const MAX_RUNS = 8;

/** The life of a challenge in SQL: one method per statement, each in the file of its name. */
export class Lifecycle {
  readonly #sql;
  readonly #spray: SprayParameters;

  constructor(
    private readonly database: Database,
    tables: Tables,
    private readonly limits: Limits,
    private readonly settings: OtpSettings,
  ) {
    this.#spray = { sprayKey: limits.sprayKey, sprayCap: settings.sprayFailures };
    this.#sql = {
      start: perShape((shape: StartShape) => startSql(tables, shape)),
      find: findSql(tables),
      resend: perShape((shape: Shape) => resendSql(tables, shape)),
      mark: markSql(tables),
      fail: failSql(tables),
      handOver: handOverSql(tables),
      verify: verifySql(tables),
      settle: settleSql(tables),
      countFailure: countFailureSql(tables),
      cancel: cancelSql(tables),
      underway: underwaySql(tables),
      room: roomSql(tables),
      unlock: unlockSql(tables),
      forgetSending: forgetSendingSql(tables),
      stop: stopSql(tables),
      resume: resumeSql(tables),
      stops: stopsSql(tables),
      conversion: conversionSql(tables),
      purgeChallenges: purgeChallengesSql(tables),
      purgeGrants: purgeGrantsSql(tables),
      purgeLimits: purgeLimitsSql(tables),
      purgeSends: purgeSendsSql(tables),
      purgeAudit: purgeAuditSql(tables),
      purgeDevices: purgeDevicesSql(tables),
    };
  }

  /** @throws {@link OtpError} `otp_too_soon`, `otp_paused`, `send_unavailable`, `service_unavailable` */
  async start(send: SendContext, challenge: Own<StartParameters>): Promise<Reserved> {
    const start = this.#sql.start({ ...shapeOf(send), onePerPhone: challenge.vendorSlot !== null });
    return reserved(await this.#reserve(start, send, challenge, null));
  }

  find(handle: Omit<FindParameters, keyof SprayParameters>): Promise<FindRow | undefined> {
    return this.database.run(this.#sql.find, { ...handle, ...this.#spray });
  }

  /** @throws {@link OtpError} as {@link Lifecycle.start}, and `otp_unavailable` when the challenge can have no further message */
  async resend(send: SendContext, code: Own<ResendParameters>): Promise<Reserved & { sends: number }> {
    const row = await this.#reserve(this.#sql.resend(shapeOf(send)), send, code, code.id);
    return { ...reserved(row), sends: row.sends! };
  }

  /** @returns whether the mark still fitted the challenge */
  async mark(outcome: MarkParameters): Promise<boolean> {
    return (await this.database.run(this.#sql.mark, outcome))!.marked;
  }

  /** As {@link Lifecycle.mark}, for a definite failure that changes the cooldown. */
  async fail(outcome: FailParameters): Promise<boolean> {
    return (await this.database.run(this.#sql.fail, outcome))!.marked;
  }

  /** As {@link Lifecycle.mark}, for a definite failure after which another provider takes over. */
  async handOver(failure: HandOverParameters): Promise<boolean> {
    return (await this.database.run(this.#sql.handOver, failure))!.marked;
  }

  /** @returns undefined when there is no such challenge or the secret half is wrong */
  verify(attempt: Omit<VerifyParameters, keyof SprayParameters>): Promise<VerifyRow | undefined> {
    return this.database.run(this.#sql.verify, { ...attempt, ...this.#spray });
  }

  /** The vendor said no. @returns wrong codes over all subjects lately, this one included */
  async countFailure(id: string): Promise<number> {
    return (await this.database.run(this.#sql.countFailure, { id, ...this.#spray }))!.used;
  }

  /** The vendor said yes. @returns when the grant expires; undefined when the challenge ended meanwhile */
  async settle(success: SettleParameters): Promise<Date | undefined> {
    return (await this.database.run(this.#sql.settle, success))?.grant_expires_at;
  }

  /** @returns undefined when there was nothing alive to end */
  cancel(handle: CancelParameters): Promise<CancelRow | undefined> {
    return this.database.run(this.#sql.cancel, handle);
  }

  /** @returns undefined where the client has no live challenge for just this */
  underway(by: UnderwayParameters): Promise<UnderwayRow | undefined> {
    return this.database.run(this.#sql.underway, by);
  }

  /** @returns how many gates were opened */
  async unlock(gates: { keys: Buffer[]; subject: string; phoneHash: Buffer | null }): Promise<number> {
    return (await this.database.run(this.#sql.unlock, gates))!.opened;
  }

  /** @returns whether it was not stopped before */
  async stop(stop: StopParameters & { reason: string | null }): Promise<boolean> {
    return (await this.database.run(this.#sql.stop, stop))!.added;
  }

  /** @returns whether it was stopped */
  async resume(stop: StopParameters): Promise<boolean> {
    return (await this.database.run(this.#sql.resume, stop)) !== undefined;
  }

  /** Of these stops, those that are in force, by their place in the list (from 1). */
  stops(keys: Buffer[]): Promise<{ place: number; at: Date; reason: string | null }[]> {
    return this.database.rows(this.#sql.stops, { keys });
  }

  /** What is newly below its floor; nothing where another instance has just looked. */
  judgeConversion(by: ConversionParameters): Promise<ConversionRow[]> {
    return this.database.rows(this.#sql.conversion, by);
  }

  /** Deletes what is over, in batches, until nothing is left. @returns how many rows went */
  async purge(): Promise<number> {
    const { retentionSeconds, sendLogDays, auditDays, providerTimeoutMs } = this.settings;
    const batch = PURGE_BATCH;
    const afterSeconds = Math.ceil(providerTimeoutMs / 1000) + 30;
    await this.#inBatches(this.#sql.forgetSending, { batch, afterSeconds });
    return (
      (await this.#inBatches(this.#sql.purgeChallenges, { batch, retentionSeconds })) +
      (await this.#inBatches(this.#sql.purgeGrants, { batch, retentionSeconds })) +
      (await this.#inBatches(this.#sql.purgeLimits, { batch })) +
      (await this.#inBatches(this.#sql.purgeSends, { batch, days: sendLogDays })) +
      (await this.#inBatches(this.#sql.purgeAudit, { batch, days: auditDays })) +
      (await this.#inBatches(this.#sql.purgeDevices, { batch }))
    );
  }

  /** Goes on while rows are due, also when another instance deleted part of the batch; whoever holds all of it goes on alone. */
  async #inBatches<P extends object>(
    batch: Statement<P, { deleted: number; due?: number }>,
    parameters: P,
  ): Promise<number> {
    let total = 0;
    for (;;) {
      const { deleted, due = deleted } = (await this.database.run(batch, parameters))!;
      total += deleted;
      if (deleted === 0 || due < PURGE_BATCH) return total;
    }
  }

  async #reserve<P extends LimitParameters, R extends ReserveAnswer>(
    statement: Statement<P, R>,
    send: SendContext,
    own: Own<P>,
    challengeId: string | null,
  ): Promise<R> {
    let rows = this.limits.drawServiceRows(send);
    for (let run = 1; run <= MAX_RUNS; run++) {
      // Not by spreading: for so many keys that is forty times as slow.
      const parameters = Object.assign(
        limitParameters(this.limits.slotsFor(send, rows), send, this.settings),
        own,
      ) as unknown as P;
      const answer = (await this.database.run(statement, parameters))!;
      if (answer.expires_at !== null) return answer;
      if (answer.alive === false) throw otpUnavailable();
      if (answer.unsettled !== null && send.signedIn) throw unsettled(answer);
      if (answer.refused_by === null) continue; // lost the race for the cooldown: the next run reads the refusal
      const place = PLACES[answer.refused_by]!;
      if (!isServicePlace(place)) throw refusal(place, answer);
      const row = await this.#rowWithRoom(place, answer.class, send, challengeId);
      if (row === undefined) throw exhausted(place, answer.retry_after!);
      rows = { ...rows, [place]: row };
    }
    throw tooSoon('cooldown', 1);
  }

  async #rowWithRoom(
    place: ServicePlace,
    budgetClass: BudgetClass,
    send: SendContext,
    challengeId: string | null,
  ): Promise<number | undefined> {
    const { purpose, subject, phoneHash } = send;
    const slots = Array.from({ length: this.limits.rowCount(place, send) }, (_, row) =>
      this.limits.serviceSlot(place, budgetClass, row, send),
    );
    const found = await this.database.run(this.#sql.room, {
      keys: slots.map(({ key }) => key),
      caps: slots.map(({ cap }) => cap),
      take: slots[0]!.take,
      place,
      class: budgetClass,
      purpose,
      subject,
      phoneHash,
      challengeId,
    });
    return found && found.place - 1;
  }
}

/** Remembers the statement of each shape: a host's calls have a few of them. */
function perShape<S extends Shape, T>(statementOf: (shape: S) => T): (shape: S) => T {
  const made = new Map<string, T>();
  return (shape) => {
    const name = Object.values(shape).join();
    const known = made.get(name) ?? statementOf(shape);
    made.set(name, known);
    return known;
  };
}

function reserved(row: ReserveAnswer): Reserved {
  const lowered = (row.lowered ?? []).map((low) => ({ ...low, place: PLACES[low.place]! }));
  return { expiresAt: row.expires_at!, resendAt: row.resend_at!, class: row.class, decoy: row.decoy!, lowered };
}

function unsettled({ unsettled: why, hold }: LimitAnswer): OtpError {
  if (why === 'phone_on_hold') {
    const retryAfterSeconds = hold ?? 1;
    return new OtpError(why, 'This number was changed lately and cannot confirm this yet.', { retryAfterSeconds });
  }
  return why === 'phone_missing'
    ? new OtpError(why, 'This account has no such verified number: verify one first.')
    : new OtpError('phone_unconfirmed', 'This number was not proved for a long time: verify it again first.');
}

/** One answer for every challenge that cannot be used, whatever the reason. */
export function otpUnavailable(): OtpError {
  return new OtpError('otp_unavailable', 'This code can no longer be used. Start again.');
}

export function paused(retryAfterSeconds: number): OtpError {
  return new OtpError('otp_paused', PAUSED, { retryAfterSeconds });
}

const PAUSED = 'Too many wrong codes. Try again later.';

/** A stop lasts until somebody takes it away, which nobody can promise: this is when to ask again. */
const ASK_AGAIN_SECONDS = 300;

function refusal(place: Place, { retry_after: wait, below_floor: belowFloor }: LimitAnswer): OtpError {
  switch (place) {
    case 'gate':
      return new LimitError(place, 'otp_paused', PAUSED, wait!);
    case 'stopped':
    case 'provider_stopped':
      return exhausted(place, ASK_AGAIN_SECONDS);
    case 'closed':
      return exhausted('conversion', wait!);
    default:
      return tooSoon(belowFloor ? 'conversion' : place, wait!);
  }
}

function tooSoon(limit: LimitName, retryAfterSeconds: number): OtpError {
  return new LimitError(
    limit,
    'otp_too_soon',
    'No further message can be sent yet. Try again later.',
    retryAfterSeconds,
  );
}

function exhausted(limit: LimitName, retryAfterSeconds: number): OtpError {
  return new LimitError(
    limit,
    'send_unavailable',
    'No message can be sent at present. Try again later.',
    retryAfterSeconds,
  );
}

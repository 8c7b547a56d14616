import { Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { answered } from '../accounts/host-accounts.js';
import { provided } from '../accounts/provided.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import { maskPhone } from '../phone/mask.js';
import { BotCheck, type CallToCheck } from './bot-check.js';
import { PhoneRisk, type PhoneSignals, type PhoneToAssess } from './phone-risk.js';

/** A check that is slower than this has not answered (SEC-27, SEC-29). */
const PATIENCE_MS = 2_000;
const HOUR_MS = 3_600_000;
/** They prove a number anew, whoever held it before: there is nothing yet that a new SIM could take over. */
const NOTHING_TO_LOSE: ReadonlySet<string> = new Set(['registration', 'verify_number']);
const LOGINS: ReadonlySet<string> = new Set(['login', 'second_factor']);

/** Wrong codes on a challenge after which whoever tries the next one must be a person. */
export const WRONG_CODES_BEFORE_BOT_CHECK = 2;

type Doubt = 'sim_swapped' | 'ported' | 'recycled' | 'risky' | 'no_answer';

/** What the host's own checks say of a call or a number. Without any, everything passes. */
export class AbuseChecks {
  readonly #logger = new Logger('Otp');
  readonly #risk: () => PhoneRisk | undefined;
  readonly #bots: () => BotCheck | undefined;

  constructor(
    host: ModuleRef,
    private readonly settings: OtpSettings,
    private readonly events: EventSink,
  ) {
    this.#risk = provided(host, PhoneRisk);
    this.#bots = provided(host, BotCheck);
  }

  /** Whether a code may go to this phone. */
  async mayReceive(of: PhoneToAssess): Promise<boolean> {
    const risk = this.#risk();
    if (!risk) return true;
    const doubt = await this.#doubtOf(risk, of);
    if (doubt === undefined) return true;
    const { purpose, phone } = of;
    const withheld = this.#withholds(purpose, doubt);
    this.events.emit('otp.risk', { purpose, phone: maskPhone(phone), doubt, withheld });
    return !withheld;
  }

  get checksBots(): boolean {
    return this.#bots() !== undefined;
  }

  /** @throws {@link OtpError} `bot_check_failed` */
  async assertHuman(call: CallToCheck): Promise<void> {
    const bots = this.#bots();
    if (!bots || (await this.#asked('BotCheck.isHuman', () => bots.isHuman(call))) === true) return;
    throw new OtpError('bot_check_failed', 'The check that you are a person did not pass. Try again.');
  }

  async #doubtOf(risk: PhoneRisk, of: PhoneToAssess): Promise<Doubt | undefined> {
    const signals = await this.#asked('PhoneRisk.assess', () => risk.assess(of));
    if (typeof signals !== 'object' || signals === null) return 'no_answer';
    if (this.#isRecent(signals.simSwappedAt)) return 'sim_swapped';
    if (this.#isRecent(signals.portedAt)) return 'ported';
    if (this.#isRecent(signals.recycledAt)) return 'recycled';
    return signals.risky === true ? 'risky' : undefined;
  }

  #withholds(purpose: string, doubt: Doubt): boolean {
    if (NOTHING_TO_LOSE.has(purpose)) return false;
    if (!LOGINS.has(purpose)) return true;
    return doubt !== 'no_answer' && !this.settings.acceptRiskyLogins;
  }

  /** Hours, so whose clock it is does not matter. A date that is none counts as recent. */
  #isRecent(date: PhoneSignals['simSwappedAt']): boolean {
    if (date === undefined || date === null) return false;
    const age = Date.now() - new Date(date).getTime();
    return !(age > this.settings.riskWindowHours * HOUR_MS);
  }

  /** Undefined where it threw or took too long: what a check cannot say is for the caller to weigh. */
  async #asked<T>(method: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await answered(method, ask(), PATIENCE_MS);
    } catch (error) {
      this.#logger.error(`${method} did not answer: ${(error as Error)?.name ?? 'it threw something'}`);
      return undefined;
    }
  }
}

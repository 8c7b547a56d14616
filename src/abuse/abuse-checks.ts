import { Logger } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

import { withTimeout } from '../accounts/host-accounts.js';
import { hostInstance } from '../accounts/host-instance.js';
import { OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { OtpSettings } from '../config/options.js';
import { maskPhone } from '../phone/mask.js';
import { BotCheck, type CallToCheck } from './bot-check.js';
import { PhoneRisk, type PhoneSignals, type PhoneToAssess } from './phone-risk.js';

/** A slower check counts as unanswered (SEC-27, SEC-29). */
const TIMEOUT_MS = 2_000;
const HOUR_MS = 3_600_000;
/** These purposes prove a number for the first time, so there is nothing yet that a new SIM could take over. */
const NOTHING_TO_LOSE: ReadonlySet<string> = new Set(['registration', 'verify_number']);
const LOGINS: ReadonlySet<string> = new Set(['login', 'second_factor']);

/** Number of wrong codes on a challenge after which the next attempt requires the bot check. */
export const WRONG_CODES_BEFORE_BOT_CHECK = 2;

type Doubt = 'sim_swapped' | 'ported' | 'recycled' | 'risky' | 'no_answer';

/** Runs the host's own checks of calls and phone numbers. Without a check, everything passes. */
export class AbuseChecks {
  readonly #logger = new Logger('Otp');
  readonly #risk: () => PhoneRisk | undefined;
  readonly #bots: () => BotCheck | undefined;

  constructor(
    host: ModuleRef,
    private readonly settings: OtpSettings,
    private readonly events: EventSink,
  ) {
    this.#risk = hostInstance(host, PhoneRisk);
    this.#bots = hostInstance(host, BotCheck);
  }

  /** Whether a code may be sent to this phone. */
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
    if (!bots || (await this.#ask('BotCheck.isHuman', () => bots.isHuman(call))) === true) return;
    throw new OtpError('bot_check_failed', 'Human verification failed. Try again.');
  }

  async #doubtOf(risk: PhoneRisk, of: PhoneToAssess): Promise<Doubt | undefined> {
    const signals = await this.#ask('PhoneRisk.assess', () => risk.assess(of));
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

  /** The window is hours long, so clock differences do not matter. An invalid date counts as recent. */
  #isRecent(date: PhoneSignals['simSwappedAt']): boolean {
    if (date === undefined || date === null) return false;
    const age = Date.now() - new Date(date).getTime();
    return !(age > this.settings.riskWindowHours * HOUR_MS);
  }

  /** Returns undefined if the check throws or takes too long; the caller decides what that means. */
  async #ask<T>(method: string, check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await withTimeout(method, check(), TIMEOUT_MS);
    } catch (error) {
      this.#logger.error(`${method} did not answer: ${(error as Error)?.name ?? 'unknown error'}`);
      return undefined;
    }
  }
}

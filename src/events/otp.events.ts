import { Logger } from '@nestjs/common';

import type { MinimumConversionScope } from '../config/minimum-conversion.js';
import type { LimitName, SenderTier } from '../limits/limit-definitions.js';
import type { Emitter } from './event-emitter.js';

/** What the events of a challenge have in common. */
export interface ChallengeEvent {
  /** The public half of its handle, which finds its rows and opens nothing. */
  challengeId: string;
  purpose: string;
}

/** What the module tells the host's `@nestjs/event-emitter`, by name. No payload holds a code, a handle, a grant or a whole number. */
export interface OtpEvents {
  /** A challenge was stored and its message is on its way; none is, for a decoy. */
  'otp.started': ChallengeEvent & { phone: string; tier: SenderTier; decoy: boolean };
  /**
   * A start or resend was refused. `limit`: which counter was full, `conversion` for a share of verified messages that is too
   * small, `stopped` or `provider_stopped` for a stop; undefined for another reason, which `code`, that of the error, tells.
   */
  'otp.limited': {
    purpose: string;
    phone: string;
    code: string;
    retryAfterSeconds: number | undefined;
    limit: LimitName | undefined;
  };
  /**
   * Of the messages of an hour to one prefix, from one client address, to one region or by one provider, too few were
   * verified (`minimumConversion`): told once when it comes to that. `name`: the prefix with its last four digits masked, the
   * network around the address, the region, the provider. `enforced`: closed for an hour to all but known devices and owners.
   */
  'otp.conversion_low': {
    scope: MinimumConversionScope;
    name: string;
    messages: number;
    verified: number;
    enforced: boolean;
  };
  /** An operator stopped sending: everywhere, to a region, by a provider, or both. Raised by the instance that was told to. */
  'otp.sending_stopped': { region: string | null; provider: string | null; reason: string | null };
  /** An operator let messages go out again. */
  'otp.sending_resumed': { region: string | null; provider: string | null };
  /** A provider answered, or did not (`unknown`). `segments`: SMS segments of the text; null where none of ours was handed over. */
  'otp.sent': ChallengeEvent & {
    sendNumber: number;
    provider: string;
    outcome: string;
    latencyMs: number;
    segments: number | null;
  };
  /** A code was right, and its grant is on its way. `subject`: the account, or the masked phone where there was no account yet. */
  'otp.verified': ChallengeEvent & { subject: string; phone: string };
  /**
   * A try failed or was not made, or a grant was not taken: `wrong_code`, or what the caller is not told: `expired`,
   * `locked`, `other_session`, `other_action` (the record was changed) and so on.
   */
  'otp.refused': ChallengeEvent & { reason: string };
  /** A grant was used, and the transaction that used it is committed. `subject` as in `otp.verified`. */
  'otp.grant_used': ChallengeEvent & { subject: string; phone: string };
  /** Too many wrong codes for one subject: it is locked out for a time, or (`closed`) for good until `OtpOperations.unlock`. */
  'otp.locked_out': ChallengeEvent & { failures: number; closed: boolean };
  /**
   * `PhoneRisk` spoke against a number (`sim_swapped`, `ported`, `recycled`, `risky`) or did not answer in time, and the code
   * was withheld or sent all the same, as the purpose and `acceptRiskyLogins` have it.
   */
  'otp.risk': { purpose: string; phone: string; doubt: string; withheld: boolean };
  /**
   * So many codes were wrong in ten minutes, over all subjects, that somebody may be guessing one on each of many accounts.
   * Raised at `sprayingFailures` and at each multiple of it; meanwhile a `BotCheck` is asked before every code of a client.
   */
  'otp.spraying': { failures: number };
  /** A number was bound to an account, or proved anew. All events of the ledger come after the commit; phones are masked. */
  'otp.number_activated': { owner: string; phone: string; purpose: string };
  /** A number went from one account to another, as `takenNumbers` has it: tell the one who had it by other means. */
  'otp.number_transferred': { from: string; to: string; phone: string };
  /** An account left a number for another: tell it by other means too. */
  'otp.number_changed': { owner: string; from: string; to: string };
  /** A binding was ended by `VerifiedNumbers.release`; `reason` is what that was told. */
  'otp.number_released': { owner: string; phone: string; reason: string };
  /** A login by code to an account whose number was not proved for long, and no other factor came with it. */
  'otp.dormant_refused': { owner: string; phone: string };
  /** An account has a new set of recovery codes; those from before are dead. */
  'otp.recovery_issued': { account: string; codes: number };
  /** So many used recovery codes of an account were replaced by new ones; the others are good as before. */
  'otp.recovery_replaced': { account: string; codes: number };
  /** A recovery code was used: tell the account by other means too. */
  'otp.recovery_used': { account: string; purpose: string; remaining: number };
  /** A recovery code was not taken: `wrong_code`, `used`, `paused`, `phone_missing`. `closed`: for good, until `OtpOperations.unlock`. */
  'otp.recovery_refused': { account: string; purpose: string; reason: string; failures: number; closed: boolean };
  'otp.device_trusted': { account: string; device: string };
  /** Somebody showed a token of a trusted device that was handed in before: two have it, so the device is trusted no more. */
  'otp.device_stolen': { account: string; device: string };
  /** `TrustedDevices.revoke` or `revokeAll` ended so many. */
  'otp.devices_revoked': { account: string; devices: number };
  /** A notice to a phone was handed to the provider; `not_supported`: its vendor carries no texts of ours, so tell them yourself. */
  'otp.notice': { notice: string; phone: string; outcome: string };
}

/** The name of an event, for `@OnEvent`. */
export type OtpEventName = keyof OtpEvents;

/** Writes each event to the log and hands it to the host's listeners, which run in this very call and may throw. */
export class EventSink {
  readonly #logger = new Logger('Otp');

  #emitter: Emitter | undefined;

  /** The application's event emitter, once it is known. */
  useEmitter(emitter: Emitter): void {
    this.#emitter = emitter;
  }

  emit<N extends OtpEventName>(name: N, payload: OtpEvents[N]): void {
    if (Logger.isLevelEnabled('debug')) this.#logger.debug(`${name} ${JSON.stringify(payload)}`);
    try {
      this.#emitter?.emit(name, payload);
    } catch (error) {
      this.#logger.error(`a listener of "${name}" threw ${(error as Error)?.name ?? 'something'}; the outcome stands`);
    }
  }
}

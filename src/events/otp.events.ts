import { Logger } from '@nestjs/common';

import type { MinimumConversionScope } from '../config/minimum-conversion.js';
import type { LimitName, SenderTier } from '../limits/limit-definitions.js';
import type { Emitter } from './event-emitter.js';

/** The fields that all events of a challenge have. */
export interface ChallengeEvent {
  /** The public half of its handle, which finds its rows and opens nothing. */
  challengeId: string;
  purpose: string;
}

/** The events that the module emits through the application's `@nestjs/event-emitter`, by name. No payload holds a code, a handle, a grant or a full number. */
export interface OtpEvents {
  /** A challenge was stored and its message is on its way. A decoy sends none. `tier`: whose limits the message counts against. */
  'otp.started': ChallengeEvent & { phone: string; tier: SenderTier; decoy: boolean };
  /**
   * A start or resend was refused. `limit` names the limit that refused it (docs/limits.md lists them); it is undefined when something
   * else did, which `code`, the error's, says.
   */
  'otp.limited': {
    purpose: string;
    phone: string;
    code: string;
    retryAfterSeconds: number | undefined;
    limit: LimitName | undefined;
  };
  /**
   * Too few of an hour's messages to one prefix, from one client address, to one region or by one provider were verified
   * (`minimumConversion`). Emitted once per hour and scope. `name`: the prefix with its last four digits masked, the network of the
   * address, the region or the provider. `enforced`: for the next hour only known devices and owners are served.
   */
  'otp.conversion_low': {
    scope: MinimumConversionScope;
    name: string;
    messages: number;
    verified: number;
    enforced: boolean;
  };
  /** An operator stopped sending: everywhere, to a region, by a provider, or both. Emitted by the instance that was called. */
  'otp.sending_stopped': { region: string | null; provider: string | null; reason: string | null };
  /** An operator resumed sending. */
  'otp.sending_resumed': { region: string | null; provider: string | null };
  /** A provider answered, or did not (`outcome: 'unknown'`). `segments`: SMS segments of the text; null if the provider writes the text. */
  'otp.sent': ChallengeEvent & {
    sendNumber: number;
    provider: string;
    outcome: string;
    latencyMs: number;
    segments: number | null;
  };
  /** A code was right and a grant was issued. `subject`: the account, or the masked phone if there is no account yet. */
  'otp.verified': ChallengeEvent & { subject: string; phone: string };
  /**
   * An attempt failed or was refused, or a grant was refused. `reason`: `wrong_code`, or what callers must not learn, such as `expired`,
   * `locked`, `other_session` or `other_action` (the record has changed).
   */
  'otp.refused': ChallengeEvent & { reason: string };
  /** A grant was used and the transaction that used it has committed. `subject` as in `otp.verified`. */
  'otp.grant_used': ChallengeEvent & { subject: string; phone: string };
  /** One subject got too many wrong codes and is locked out: for `lockoutMinutes`, or (`closed`) until `OtpOperations.unlock`. */
  'otp.locked_out': ChallengeEvent & { failures: number; closed: boolean };
  /**
   * `PhoneRisk` reported a risk (`sim_swapped`, `ported`, `recycled`, `risky`) or did not answer in time. Whether the code was
   * withheld depends on the purpose and on `acceptRiskyLogins`.
   */
  'otp.risk': { purpose: string; phone: string; doubt: string; withheld: boolean };
  /**
   * Password spraying for codes: so many wrong codes in ten minutes, over all subjects, that somebody may be guessing one code on each of
   * many accounts. Emitted at `sprayingFailures` and each multiple of it. Meanwhile `BotCheck` runs before every attempt of a client.
   */
  'otp.spraying': { failures: number };
  /** A number was bound to an account, or proved again. Ledger events are emitted after the commit; phones are masked. */
  'otp.number_activated': { owner: string; phone: string; purpose: string };
  /** A number moved from one account to another, as `takenNumbers` allows. Tell the previous owner by other means. */
  'otp.number_transferred': { from: string; to: string; phone: string };
  /** An account changed its number. Tell it by other means too. */
  'otp.number_changed': { owner: string; from: string; to: string };
  /** `VerifiedNumbers.release` ended a binding. `reason` is the value passed to it. */
  'otp.number_released': { owner: string; phone: string; reason: string };
  /** A login by code was refused: the number has not been proved for `dormantAfterDays` and no other factor came with the code. */
  'otp.dormant_refused': { owner: string; phone: string };
  /** An account got a new set of recovery codes. Its previous codes no longer work. */
  'otp.recovery_issued': { account: string; codes: number };
  /** This many used recovery codes of an account were replaced. The unused ones still work. */
  'otp.recovery_replaced': { account: string; codes: number };
  /** A recovery code was used. Tell the account by other means too. */
  'otp.recovery_used': { account: string; purpose: string; remaining: number };
  /** A recovery code was refused: `wrong_code`, `used`, `locked_out` or `phone_missing`. `closed`: locked until `OtpOperations.unlock`. */
  'otp.recovery_refused': { account: string; purpose: string; reason: string; failures: number; closed: boolean };
  /** A device was trusted. */
  'otp.device_trusted': { account: string; device: string };
  /** An already used token of a trusted device came back, so two parties hold it. The device is no longer trusted. */
  'otp.device_stolen': { account: string; device: string };
  /** `TrustedDevices.revoke` or `revokeAll` revoked this many devices. */
  'otp.devices_revoked': { account: string; devices: number };
  /** A notice was handed to the provider. `not_supported`: its vendor sends no custom texts, so notify the person yourself. */
  'otp.notice': { notice: string; phone: string; outcome: string };
}

/** The name of an event, for `@OnEvent`. */
export type OtpEventName = keyof OtpEvents;

/** Logs each event and emits it. Listeners run synchronously and may throw. */
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
      this.#logger.error(
        `a listener of "${name}" threw ${(error as Error)?.name ?? 'a value that is no Error'}; the outcome stands`,
      );
    }
  }
}

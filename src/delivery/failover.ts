import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpProvider, ProviderChoice } from './provider.js';

/**
 * Tries providers in order. The next provider is used only if the previous one certainly sent nothing: it was unreachable,
 * refused the account or the sender, had no balance, or its circuit breaker was open. A time-out never fails over, because
 * the message may still arrive; nor does a refusal of the number. A resend goes to the next provider, with a new code.
 * Providers whose codes are too short for a purpose are skipped for that purpose.
 *
 * Choose providers with the same code length: `codeLength` in the response to a start is that of the first provider.
 *
 * @example new Failover([new TaqnyatSms({ … }), new UnifonicSms({ … })])
 */
export class Failover implements ProviderChoice {
  readonly mode = 'choice';

  /** @throws {@link OtpConfigError} if fewer than two providers are given */
  constructor(readonly all: readonly OtpProvider[]) {
    if (!Array.isArray(all) || all.length < 2 || all.some((provider: OtpProvider | undefined) => !provider?.mode)) {
      throw new OtpConfigError('"Failover" needs an array of at least two providers: pass the preferred one first.');
    }
  }

  candidates(): readonly OtpProvider[] {
    return this.all;
  }
}

import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpProvider, ProviderChoice } from './provider.js';

/**
 * Tries providers in order. The next one is asked only when the one before surely sent nothing (it could not be reached,
 * refused the account or the sender, has no balance, or is left alone after failing time and again): never after a time-out,
 * which may have sent a message all the same, and never for a fault of the number. A resend goes to the next one, with a
 * new code. Providers whose codes are too short for a purpose are passed over for it.
 *
 * Choose providers whose codes have the same length: `codeLength` in the answer of a start is that of the first.
 *
 * @example new Failover([new TaqnyatSms({ … }), new UnifonicSms({ … })])
 */
export class Failover implements ProviderChoice {
  readonly mode = 'choice';

  /** @throws {@link OtpConfigError} for fewer than two providers */
  constructor(readonly all: readonly OtpProvider[]) {
    if (!Array.isArray(all) || all.length < 2 || all.some((provider: OtpProvider | undefined) => !provider?.mode)) {
      throw new OtpConfigError('"Failover" needs a list of at least two providers, the preferred one first.');
    }
  }

  candidates(): readonly OtpProvider[] {
    return this.all;
  }
}

import type { CountryCode } from 'libphonenumber-js/max';

import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpProvider, ProviderChoice, Recipient } from './provider.js';

/** One provider per region (ISO 3166-1 alpha-2 code); `default` serves all other regions. */
export type CountryRoutes = Partial<Record<CountryCode | 'default', OtpProvider>>;

/**
 * Chooses the provider by the region of the phone number. Without a `default` route, numbers of other regions get no
 * message; list the regions you serve in the option `regions`.
 *
 * @example new CountryRouter({ SA: taqnyat, LY: lamah, NG: termii, IL: ninetyNine, default: twilio })
 */
export class CountryRouter implements ProviderChoice {
  readonly mode = 'choice';
  readonly all: readonly OtpProvider[];
  readonly #routes: ReadonlyMap<string, OtpProvider>;

  /** @throws {@link OtpConfigError} if there is no route, or a route has no provider */
  constructor(routes: CountryRoutes) {
    this.#routes = new Map(Object.entries(routes ?? {}));
    this.all = [...this.#routes.values()];
    if (this.all.length === 0) {
      throw new OtpConfigError(
        '"CountryRouter" needs at least one route: pass one, such as { SA: provider, default: provider }.',
      );
    }
    for (const [region, provider] of this.#routes) {
      if (!/^([A-Z]{2}|default)$/.test(region)) {
        throw new OtpConfigError(
          `"CountryRouter" has an invalid route "${region}": use two capital letters, such as "SA", or "default".`,
        );
      }
      if (!provider?.mode) throw new OtpConfigError(`"CountryRouter" has no provider for "${region}": pass one.`);
    }
  }

  candidates({ region }: Recipient): readonly OtpProvider[] {
    const provider = this.#routes.get(region) ?? this.#routes.get('default');
    return provider ? [provider] : [];
  }
}

import type { CountryCode } from 'libphonenumber-js/max';

import { OtpConfigError } from '../errors/otp.error.js';
import type { OtpProvider, ProviderChoice, Recipient } from './provider.js';

/** A provider per region, by ISO 3166-1 alpha-2; `default` serves the others. */
export type CountryRoutes = Partial<Record<CountryCode | 'default', OtpProvider>>;

/**
 * Chooses the provider by the region of the number. Without a `default`, numbers of other regions get no message; list in
 * the option `regions` what you serve.
 *
 * @example new CountryRouter({ SA: taqnyat, LY: lamah, NG: termii, IL: ninetyNine, default: twilio })
 */
export class CountryRouter implements ProviderChoice {
  readonly mode = 'choice';
  readonly all: readonly OtpProvider[];
  readonly #routes: ReadonlyMap<string, OtpProvider>;

  /** @throws {@link OtpConfigError} when there is no route, or one without a provider */
  constructor(routes: CountryRoutes) {
    this.#routes = new Map(Object.entries(routes ?? {}));
    this.all = [...this.#routes.values()];
    if (this.all.length === 0) {
      throw new OtpConfigError('"CountryRouter" needs at least one route: { SA: provider, default: provider }.');
    }
    for (const [region, provider] of this.#routes) {
      if (!/^([A-Z]{2}|default)$/.test(region)) {
        throw new OtpConfigError(
          `"CountryRouter" has a route "${region}": name regions by two capitals, such as "SA".`,
        );
      }
      if (!provider?.mode) throw new OtpConfigError(`"CountryRouter" has no provider for "${region}".`);
    }
  }

  candidates({ region }: Recipient): readonly OtpProvider[] {
    const provider = this.#routes.get(region) ?? this.#routes.get('default');
    return provider ? [provider] : [];
  }
}

import type { StoredMac } from '../crypto/keyed-hash.js';
import type { IssuedCode } from './deliveries.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { Background } from './background.js';
import { ProviderClient } from './provider-client.js';
import type { OtpProvider, Recipient, SingleProvider } from './provider.js';
import { type CodePolicy, codePolicyOf, type WantedPolicy } from './code-policy.js';

/** A provider with its code policy and its client, which has a circuit breaker of its own. */
export interface RegisteredProvider {
  readonly name: string;
  readonly provider: SingleProvider;
  readonly policy: CodePolicy;
  readonly client: ProviderClient;
}

/** Providers for one recipient, the preferred one first. */
export type Route = readonly [RegisteredProvider, ...RegisteredProvider[]];

interface Figures extends WantedPolicy {
  readonly providerTimeoutMs: number;
  readonly maxSendsInFlight: number;
}

/** Every configured provider, once each, by name. */
export class ProviderRegistry {
  readonly all: readonly RegisteredProvider[];
  readonly #byName: ReadonlyMap<string, RegisteredProvider>;

  /** @throws {@link OtpConfigError} if a provider choice contains itself, or two different providers share a name */
  constructor(
    private readonly provider: OtpProvider,
    figures: Figures,
    events: EventSink,
    background: Background,
  ) {
    const byName = new Map<string, RegisteredProvider>();
    for (const single of singleProviders(provider)) {
      const { name } = single;
      const known = byName.get(name);
      if (known && known.provider !== single) {
        throw new OtpConfigError(
          `Two different providers are named "${name}": reuse one instance, or give each its own "name".`,
        );
      }
      const client = known?.client ?? new ProviderClient(single, events, figures, background);
      byName.set(name, { name, provider: single, policy: codePolicyOf(single, figures), client });
    }
    this.#byName = byName;
    this.all = [...byName.values()];
  }

  /** Providers for a recipient, in order of preference; empty if none serves it. */
  for(recipient: Recipient): RegisteredProvider[] {
    return [...new Set(candidatesFor(this.provider, recipient))].map(({ name }) => this.#byName.get(name)!);
  }

  /** The provider that served a challenge, if it is still configured. */
  named(name: string): RegisteredProvider | undefined {
    return this.#byName.get(name);
  }

  /** Number of digits that a typed code may have, across all providers. */
  get typedLength(): readonly [min: number, max: number] {
    const lengths = this.all.map(({ policy }) => policy.typedLength);
    return [Math.min(...lengths.map(([min]) => min)), Math.max(...lengths.map(([, max]) => max))];
  }
}

/** The code of a message that this provider is to deliver. */
export function issuedBy({ name, policy }: RegisteredProvider, { mac, keyId }: StoredMac): IssuedCode {
  return {
    provider: name,
    checkedBy: policy.checkedBy,
    codeMac: mac,
    keyId,
    maxAttempts: policy.maxAttempts,
    ttlSeconds: policy.ttlSeconds,
    onePerPhone: policy.onePerPhone,
  };
}

/**
 * Candidates that accept messages now. If none does, every caller gets the same error before any lookup.
 * @throws {@link OtpError} `send_unavailable`, with the shortest wait
 */
export function openOf(candidates: readonly RegisteredProvider[]): Route {
  const [first, ...others] = candidates.filter(({ client }) => client.waitSeconds === 0);
  if (first) return [first, ...others];
  const waits = candidates.map(({ client }) => client.waitSeconds);
  throw unavailable(waits.length > 0 ? Math.min(...waits) : NOT_SERVED_SECONDS);
}

/** A served region without a provider is a configuration error, which an operator must fix. */
const NOT_SERVED_SECONDS = 3600;

function unavailable(retryAfterSeconds: number): OtpError {
  return new OtpError('send_unavailable', 'No message can be sent right now. Try again later.', { retryAfterSeconds });
}

function singleProviders(provider: OtpProvider, parents: readonly OtpProvider[] = []): SingleProvider[] {
  if (provider.mode !== 'choice') return [provider];
  if (parents.includes(provider))
    throw new OtpConfigError('A provider choice contains itself: remove it from its own "all".');
  return provider.all.flatMap((one) => singleProviders(one, [...parents, provider]));
}

function candidatesFor(provider: OtpProvider, recipient: Recipient): SingleProvider[] {
  if (provider.mode !== 'choice') return [provider];
  return provider.candidates(recipient).flatMap((one) => candidatesFor(one, recipient));
}

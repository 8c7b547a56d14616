import type { StoredMac } from '../crypto/keyed-hash.js';
import type { IssuedCode } from './deliveries.js';
import { OtpConfigError, OtpError } from '../errors/otp.error.js';
import type { EventSink } from '../events/otp.events.js';
import type { Background } from './background.js';
import { ProviderClient } from './provider-client.js';
import type { OtpProvider, Recipient, SingleProvider } from './provider.js';
import { type CodePolicy, codePolicyOf, type WantedPolicy } from './code-policy.js';

/** A provider at work: what holds for its codes, and the way to it with a breaker of its own. */
export interface RegisteredProvider {
  readonly name: string;
  readonly provider: SingleProvider;
  readonly policy: CodePolicy;
  readonly client: ProviderClient;
}

/** ProviderRegistry for one recipient, the preferred one first. */
export type Route = readonly [RegisteredProvider, ...RegisteredProvider[]];

interface Figures extends WantedPolicy {
  readonly providerTimeoutMs: number;
  readonly maxSendsInFlight: number;
}

/** Every provider that the host's choice leads to, each once, under its name. */
export class ProviderRegistry {
  readonly all: readonly RegisteredProvider[];
  readonly #byName: ReadonlyMap<string, RegisteredProvider>;

  /** @throws {@link OtpConfigError} for a choice without end, or two providers of one name that are not the same */
  constructor(
    private readonly provider: OtpProvider,
    figures: Figures,
    events: EventSink,
    background: Background,
  ) {
    const byName = new Map<string, RegisteredProvider>();
    for (const single of leavesOf(provider)) {
      const { name } = single;
      const known = byName.get(name);
      if (known && known.provider !== single) {
        throw new OtpConfigError(`Two providers are named "${name}": use the same one, or give one another "name".`);
      }
      const client = known?.client ?? new ProviderClient(single, events, figures, background);
      byName.set(name, { name, provider: single, policy: codePolicyOf(single, figures), client });
    }
    this.#byName = byName;
    this.all = [...byName.values()];
  }

  /** For a recipient, in order of preference; none where the choice has no provider for it. */
  for(recipient: Recipient): RegisteredProvider[] {
    return [...new Set(chosen(this.provider, recipient))].map(({ name }) => this.#byName.get(name)!);
  }

  /** The one that served a challenge, if it is still configured. */
  named(name: string): RegisteredProvider | undefined {
    return this.#byName.get(name);
  }

  /** Digits that a typed code may have, whoever made it. */
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
 * Those that can take something on at present. When all are shut, everybody is told alike, before anything is looked up.
 * @throws {@link OtpError} `send_unavailable`, with the shortest wait
 */
export function openOf(candidates: readonly RegisteredProvider[]): Route {
  const [first, ...others] = candidates.filter(({ client }) => client.waitSeconds === 0);
  if (first) return [first, ...others];
  const waits = candidates.map(({ client }) => client.waitSeconds);
  throw unavailable(waits.length > 0 ? Math.min(...waits) : NOT_SERVED_SECONDS);
}

/** A region that is served but has no provider is a gap of the configuration: it takes people to close it. */
const NOT_SERVED_SECONDS = 3600;

function unavailable(retryAfterSeconds: number): OtpError {
  return new OtpError('send_unavailable', 'No message can be sent right now. Try again later.', { retryAfterSeconds });
}

function leavesOf(provider: OtpProvider, above: readonly OtpProvider[] = []): SingleProvider[] {
  if (provider.mode !== 'choice') return [provider];
  if (above.includes(provider)) throw new OtpConfigError('A choice of providers leads back to itself.');
  return provider.all.flatMap((one) => leavesOf(one, [...above, provider]));
}

function chosen(provider: OtpProvider, recipient: Recipient): SingleProvider[] {
  if (provider.mode !== 'choice') return [provider];
  return provider.candidates(recipient).flatMap((one) => chosen(one, recipient));
}

import {
  type CheckReceipt,
  type DelegatedProvider,
  type DeliveryProvider,
  DELIVERY_CAPABILITIES,
  type GeneratorProvider,
  type ProviderCapabilities,
  type SendReceipt,
  type VendorCheck,
  type VendorStart,
} from 'nestjs-phone-otp/provider-kit';

/** An in-memory vendor that generates and checks codes, controlled by the test. */
export class ScriptedVendor implements DelegatedProvider {
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;
  readonly starts: VendorStart[] = [];
  readonly checks: VendorCheck[] = [];
  readonly cancelled: string[] = [];
  readonly #codes = new Map<string, string>();
  readonly #used = new Set<string>();

  /** The vendor's response to a start. It generates a code in any case. */
  answerStart: (request: VendorStart) => Promise<SendReceipt> = async ({ attemptId }) => ({
    outcome: 'sent',
    reference: `ref-${attemptId}`,
  });
  /** Changes or delays the vendor's response to a check. */
  answerCheck: (receipt: CheckReceipt) => Promise<CheckReceipt> = async (receipt) => receipt;

  constructor(
    capabilities: Partial<ProviderCapabilities> = {},
    readonly name = 'scripted-vendor',
  ) {
    this.capabilities = {
      ...DELIVERY_CAPABILITIES,
      correlation: 'caller_id',
      codeLength: 6,
      fixedText: true,
      ...capabilities,
    };
  }

  start(request: VendorStart): Promise<SendReceipt> {
    this.starts.push(request);
    this.#codes.set(request.attemptId, String(100_000 + this.starts.length));
    return this.answerStart(request);
  }

  async check(check: VendorCheck): Promise<CheckReceipt> {
    this.checks.push(check);
    return this.answerCheck({ outcome: this.#judge(check) });
  }

  async cancel({ attemptId }: { attemptId: string }): Promise<void> {
    this.cancelled.push(attemptId);
  }

  /** The code of the newest message to a phone (E.164). */
  codeFor(phone: string): string {
    return this.#codes.get(this.starts.findLast((start) => start.phone === phone)!.attemptId)!;
  }

  #judge({ attemptId, code }: VendorCheck): CheckReceipt['outcome'] {
    if (this.#used.has(attemptId)) return 'already_verified';
    if (this.#codes.get(attemptId) !== code) return 'incorrect_code';
    this.#used.add(attemptId);
    return 'verified';
  }
}

/** A vendor that generates and checks codes, which another provider delivers. */
export class ScriptedGenerator implements GeneratorProvider {
  readonly name = 'scripted-generator';
  readonly mode = 'generator';
  readonly capabilities: ProviderCapabilities = { ...DELIVERY_CAPABILITIES, correlation: 'provider_id', codeLength: 6 };
  /** The response to a request for a code. */
  answer: SendReceipt & { code?: string } = { outcome: 'sent', code: '012345', reference: 'pin-1' };
  readonly checks: VendorCheck[] = [];

  constructor(readonly delivery: DeliveryProvider) {}

  async generate(): Promise<SendReceipt & { code?: string }> {
    return this.answer;
  }

  async check(check: VendorCheck): Promise<CheckReceipt> {
    this.checks.push(check);
    return { outcome: check.code === this.answer.code && check.reference === 'pin-1' ? 'verified' : 'incorrect_code' };
  }
}

import {
  type CheckOutcome,
  type CheckReceipt,
  checkReceipt,
  type DelegatedProvider,
  field,
  HttpClient,
  type HttpClientOptions,
  type ProviderCall,
  type ProviderCapabilities,
  readJson,
  Secret,
  type SendOutcome,
  type SendReceipt,
  sendReceipt,
  type VendorCheck,
  type VendorStart,
} from 'nestjs-phone-otp/provider-kit';
import { type SimulatedRequest, type VendorReaction, VendorSimulator } from 'nestjs-phone-otp/simulators';
import { describeProvider } from 'nestjs-phone-otp/testing';

export interface AcmeVerifyOptions extends HttpClientOptions {
  apiKey: string;
}

/** The vendor's documented statuses as outcomes of the port. Statuses that are not listed are "unknown". */
const SENT: ReadonlyMap<unknown, SendOutcome> = new Map([
  ['queued', 'sent'],
  ['too_soon', 'resend_too_soon'],
  ['bad_sender', 'rejected_sender'],
  ['no_credit', 'insufficient_balance'],
]);
const CHECKED: ReadonlyMap<unknown, CheckOutcome> = new Map([
  ['approved', 'verified'],
  ['wrong', 'incorrect_code'],
  ['late', 'expired'],
  ['locked', 'attempts_exhausted'],
  ['used', 'already_verified'],
]);

export class AcmeVerify implements DelegatedProvider {
  readonly name = 'acme-verify';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;
  readonly #key: Secret;
  readonly #http: HttpClient;

  constructor(options: AcmeVerifyOptions) {
    this.#key = Secret.key(options.apiKey, 'apiKey');
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://api.acme.example' });
    this.capabilities = {
      correlation: 'caller_id',
      codeLength: 6,
      ttlSeconds: 300,
      maxAttempts: 3,
      resendCooldown: 60,
      languages: ['en'],
      fixedText: true,
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: true,
      developmentOnly: options.testMode === true,
    };
  }

  start({ phone, attemptId }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const read = sendReceipt(({ status, text, retryAfterSeconds = 60 }) => {
      const outcome = (status === 200 && SENT.get(field(readJson(text), 'status'))) || 'unknown';
      return outcome === 'resend_too_soon' ? { outcome, retryAfterSeconds } : { outcome };
    });
    return this.#http.exchange({ path: '/codes', bearer: this.#key, json: { id: attemptId, to: phone } }, call, read);
  }

  check({ phone, attemptId, code }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    const read = checkReceipt(({ status, text }) => {
      const answer = readJson(text);
      const matches = status === 200 && field(answer, 'to') === phone;
      return { outcome: (matches && CHECKED.get(field(answer, 'status'))) || 'unknown' };
    });
    const json = { id: attemptId, to: phone, code: new Secret(code) };
    return this.#http.exchange({ path: '/checks', bearer: this.#key, json }, call, read);
  }
}

interface Code {
  code: string;
  sentAt: number;
  attempts: number;
  used: boolean;
}

/** Behaves as the vendor documents: same order of checks, same wording. */
export class AcmeSimulator extends VendorSimulator {
  readonly #codes = new Map<string, Code>();
  #newest: Code | undefined;
  #always: string | undefined;

  constructor(
    private readonly apiKey: string,
    private readonly now: () => number,
  ) {
    super();
  }

  get access(): { apiKey: string; baseUrl: string; testMode: true } {
    return { apiKey: this.apiKey, baseUrl: this.url, testMode: true };
  }

  answerAlways(status: string): void {
    this.#always = status;
  }

  protected react({ path, headers, body }: SimulatedRequest): VendorReaction {
    if (headers.authorization !== `Bearer ${this.apiKey}`) return { status: 401, body: '{}' };
    const { id, to, code } = JSON.parse(body) as Record<'id' | 'to' | 'code', string>;
    const says = (status: string) => ({ body: JSON.stringify({ status, to }) });
    if (this.#always) return says(this.#always);
    if (path === '/checks') return says(this.#judge(this.#codes.get(id), code));
    if (this.#newest && this.now() - this.#newest.sentAt < 60_000) return says('too_soon');

    const generated = String(100_000 + this.#codes.size);
    this.#newest = { code: generated, sentAt: this.now(), attempts: 0, used: false };
    this.#codes.set(id, this.#newest);
    return { ...says('queued'), sms: { phone: to, text: `Your Acme code: ${generated}`, code: generated } };
  }

  #judge(known: Code | undefined, code: string): string {
    if (known === undefined) return 'wrong';
    if (known.used) return 'used';
    if (this.now() - known.sentAt >= 300_000) return 'late';
    if (known.attempts++ >= 3) return 'locked';
    known.used = code === known.code;
    return known.used ? 'approved' : 'wrong';
  }
}

describeProvider('AcmeVerify', ({ key, now, onExchange }) => {
  const simulator = new AcmeSimulator(key, now);
  return {
    simulator,
    provider: () => new AcmeVerify({ ...simulator.access, onExchange }),
    phone: '+966512345678',
    region: 'SA',
    refusals: {
      rejected_sender: () => simulator.answerAlways('bad_sender'),
      insufficient_balance: () => simulator.answerAlways('no_credit'),
    },
  };
});

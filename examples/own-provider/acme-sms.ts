import {
  DELIVERY_CAPABILITIES,
  type DeliveryProvider,
  field,
  HttpClient,
  type HttpClientOptions,
  type OutgoingMessage,
  type ProviderCall,
  type ProviderCapabilities,
  readJson,
  Secret,
  type SendOutcome,
  type SendReceipt,
  sendReceipt,
} from 'nestjs-phone-otp/provider-kit';
import { type SimulatedRequest, type VendorReaction, VendorSimulator } from 'nestjs-phone-otp/simulators';

/** Acme's documented answers, as outcomes of the port. Any other answer is "unknown". */
const OUTCOMES: ReadonlyMap<unknown, SendOutcome> = new Map([
  ['queued', 'sent'],
  ['bad_number', 'invalid_number'],
  ['bad_sender', 'rejected_sender'],
  ['no_credit', 'insufficient_balance'],
]);

/** The adapter of a vendor that delivers texts: an address, a key, and a table. */
export class AcmeSms implements DeliveryProvider {
  readonly name = 'acme-sms';
  readonly mode = 'delivery';
  readonly capabilities: ProviderCapabilities;
  readonly #key: Secret;
  readonly #http: HttpClient;

  constructor({ apiKey, ...options }: HttpClientOptions & { apiKey: string }) {
    this.#key = Secret.key(apiKey, 'apiKey');
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://api.acme.example' });
    this.capabilities = { ...DELIVERY_CAPABILITIES, developmentOnly: options.testMode === true };
  }

  send({ phone, text }: OutgoingMessage, call: ProviderCall): Promise<SendReceipt> {
    const read = sendReceipt(({ status, text: answer }) => ({
      outcome: (status === 200 && OUTCOMES.get(field(readJson(answer), 'status'))) || 'unknown',
    }));
    return this.#http.exchange(
      { path: '/messages', bearer: this.#key, json: { to: phone, text: new Secret(text) } },
      call,
      read,
    );
  }
}

/** Simulates Acme on this machine: its documented answers, and an inbox in place of phones. */
export class AcmeSimulator extends VendorSimulator {
  /** Answers every request with this status, such as `no_credit`. */
  always: string | undefined;

  constructor(private readonly apiKey = 'acme-simulator-key') {
    super();
  }

  get access(): { apiKey: string; baseUrl: string; testMode: true } {
    return { apiKey: this.apiKey, baseUrl: this.url, testMode: true };
  }

  protected override react({ headers, body }: SimulatedRequest): VendorReaction {
    if (headers.authorization !== `Bearer ${this.apiKey}`) return { status: 401, body: '{}' };
    if (this.always) return { body: JSON.stringify({ status: this.always }) };
    const { to, text } = JSON.parse(body) as { to: string; text: string };
    const code = /\d{6}/.exec(text)?.[0] ?? '';
    return { body: JSON.stringify({ status: 'queued' }), sms: { phone: to, text, code } };
  }
}

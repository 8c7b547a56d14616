import { type OptionNames, refuseUnknownOptions } from '../../config/option-names.js';
import { requiredText, wholeOption } from '../provider-kit/adapter-options.js';
import {
  HTTP_CLIENT_OPTIONS,
  HttpClient,
  type HttpClientOptions,
  type HttpReply,
} from '../provider-kit/http-client.js';
import type {
  CheckReceipt,
  DelegatedProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorReference,
  VendorStart,
} from '../../delivery/provider.js';
import { checkReceipt, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { COOLDOWN_SECONDS, readCheck, readDelivery, readSend, type SgateDelivery } from './sgate-answer.js';
import { isSandboxSession, isSession, localNumber } from './sgate-numbers.js';
import { SgateSignature } from './sgate-signature.js';

/** Options of {@link SgateOtp}. If the vendor documents no figure, the option says so and this package chooses the default. */
export interface SgateOtpOptions extends HttpClientOptions {
  /** The merchant's API key. */
  apiKey: string;
  /** The merchant's RSA private key in PEM, which signs requests. Register its public key with the vendor. */
  privateKey: string;
  /** The vendor's RSA public key in PEM, which verifies its responses. */
  systemPublicKey: string;
  /** The application's name at the end of each message, as registered with the vendor. At most 32 characters. */
  appName: string;
  /** Number of codes that the vendor compares per message. It documents no limit. @defaultValue 5 */
  maxAttempts?: number;
  /** Maximum difference between the vendor's clock and this one, in seconds. Not documented. @defaultValue 300 */
  maxSkewSeconds?: number;
}

const OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  privateKey: true,
  systemPublicKey: true,
  appName: true,
  maxAttempts: true,
  maxSkewSeconds: true,
} satisfies OptionNames<SgateOtpOptions>;

const SEND = '/openApi/v1/otp/sendOtp';
const CHECK = '/openApi/v1/otp/checkOtp';
const DETAIL = '/openApi/v1/otp/otpDetail';

/**
 * SGate OTP (Saudi Arabia, for stc pay accounts): the vendor generates, sends and checks the code.
 * Contract: {@link https://docs.sgate.sa/en/payoutApi/otp/sendOtp.html}
 *
 * Requests and responses are signed with RSA. A response without the vendor's recent signature is ignored. The signature
 * covers neither the code nor, at a check, the number: only TLS ties a response to its request.
 *
 * With `testMode` you can use the vendor's sandbox. Without it, the sandbox's test numbers are refused, because their code
 * is public.
 *
 * @example
 * new SgateOtp({
 *   apiKey: process.env.SGATE_API_KEY!,
 *   privateKey: process.env.SGATE_PRIVATE_KEY!,
 *   systemPublicKey: process.env.SGATE_SYSTEM_PUBLIC_KEY!,
 *   appName: 'Acme',
 * })
 */
export class SgateOtp implements DelegatedProvider {
  readonly name = 'sgate-otp';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #signature: SgateSignature;
  readonly #http: HttpClient;
  readonly #appName: string;
  readonly #testMode: boolean;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: SgateOtpOptions) {
    refuseUnknownOptions(options, OPTIONS);
    const maxSkewSeconds = wholeOption('maxSkewSeconds', options?.maxSkewSeconds ?? 300, 30, 300);
    this.#signature = new SgateSignature({ ...options, maxSkewSeconds });
    this.#http = new HttpClient(this.name, { ...options, baseUrl: options.baseUrl ?? 'https://vbank.sgate.sa' });
    this.#appName = requiredText('appName', options.appName, 32);
    this.#testMode = options.testMode === true;
    this.capabilities = {
      correlation: 'provider_id',
      codeLength: 6,
      ttlSeconds: 300,
      maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 5, 1, 10),
      resendCooldown: COOLDOWN_SECONDS,
      languages: ['en'],
      fixedText: true,
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: false,
      developmentOnly: this.#testMode,
    };
  }

  async start({ phone }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const mobile = localNumber(phone);
    if (mobile === undefined) return { outcome: 'invalid_number' };
    const interpret = sendReceipt((answer) =>
      readSend(answer, this.#signature.verifyAnswer(answer, 'POST', SEND), phone, this.#testMode),
    );
    return this.#post(SEND, { mobile, appname: this.#appName }, call, interpret);
  }

  /** Without the vendor's session a code cannot be checked, so it counts as expired. */
  async check({ phone, code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    const mobile = localNumber(phone);
    if (mobile === undefined) return { outcome: 'invalid_number' };
    if (!this.#acceptsSession(reference)) return { outcome: 'expired' };
    const interpret = checkReceipt((answer) =>
      readCheck(answer, this.#signature.verifyAnswer(answer, 'POST', CHECK), phone),
    );
    return this.#post(CHECK, { mobile, code: new Secret(code), sessionid: reference }, call, interpret);
  }

  /** Asks for the delivery status of a message, which the vendor updates once a minute. Contract: {@link https://docs.sgate.sa/en/payoutApi/otp/otpDetail.html} */
  async otpDetail(
    { phone, reference }: Pick<VendorReference, 'phone' | 'reference'>,
    call: ProviderCall,
  ): Promise<SgateDelivery> {
    const mobile = localNumber(phone);
    if (mobile === undefined) return { outcome: 'invalid_number' };
    if (!this.#acceptsSession(reference)) return { outcome: 'unknown' };
    const path = `${DETAIL}?${new URLSearchParams({ mobile, sessionid: reference }).toString()}`;
    const sign = () => this.#signature.headers('GET', path, '');
    return this.#http.exchange({ method: 'GET', path, sign }, call, (reply) =>
      reply.kind === 'answer' && reply.status < 500
        ? readDelivery(reply, this.#signature.verifyAnswer(reply, 'GET', path), phone)
        : { outcome: 'provider_unavailable' },
    );
  }

  #acceptsSession(session: string | undefined): session is string {
    return isSession(session) && (this.#testMode || !isSandboxSession(session));
  }

  #post<R extends { readonly outcome: string }>(
    path: string,
    json: object,
    call: ProviderCall,
    interpret: (reply: HttpReply) => R,
  ): Promise<R> {
    const sign = (body: string) => this.#signature.headers('POST', path, body);
    return this.#http.exchange({ path, json, sign }, call, interpret);
  }
}

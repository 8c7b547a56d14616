import { wholeOption } from '../provider-kit/adapter-options.js';
import { closestLanguage } from '../provider-kit/languages.js';
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
import { isSid, sidOption, TwilioAccount } from './twilio-account.js';
import { readCheck, readRefusedCheck, readRefusedSend, readStarted } from './twilio-answer.js';
import type { TwilioVerifyOptions } from './twilio-options.js';

/** The {@link https://www.twilio.com/docs/verify/supported-languages languages} of messages, as the vendor writes them. */
const LANGUAGES = (
  'af ar ca zh zh-CN zh-HK hr cs da nl en en-GB et fi fr de el he hi hu id it ja kn ko lt ms mr ' +
  'nb pl pt pt-BR ro ru sk es sv tl te th tr uk vi'
).split(' ');

/**
 * Twilio Verify: the vendor generates, sends and checks the code.
 * Contract: {@link https://www.twilio.com/docs/verify/api/verification} and
 * {@link https://www.twilio.com/docs/verify/api/verification-check}
 *
 * Until a verification ends, by a correct code or by expiry, every message to the number repeats the same code, and it
 * allows five checks in total. So each number has one challenge at a time, across all purposes.
 *
 * @example
 * new TwilioVerify({
 *   accountSid: process.env.TWILIO_ACCOUNT_SID!,
 *   apiKeySid: process.env.TWILIO_API_KEY_SID!,
 *   secret: process.env.TWILIO_SECRET!,
 *   serviceSid: process.env.TWILIO_VERIFY_SERVICE_SID!,
 * })
 */
export class TwilioVerify implements DelegatedProvider {
  readonly name = 'twilio-verify';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #account: TwilioAccount;
  readonly #service: string;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TwilioVerifyOptions) {
    this.#account = new TwilioAccount(this.name, options, 'https://verify.twilio.com');
    this.#service = `/v2/Services/${sidOption('serviceSid', options.serviceSid, 'VA')}`;
    this.capabilities = {
      correlation: 'phone',
      codeLength: wholeOption('codeLength', options.codeLength ?? 6, 4, 10),
      ttlSeconds: wholeOption('ttlSeconds', options.ttlSeconds ?? 600, 120, 86_400),
      maxAttempts: 5,
      resendCooldown: 'unknown', // none, but a verification is limited to five messages
      languages: LANGUAGES,
      fixedText: true,
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: true,
      developmentOnly: this.#account.developmentOnly,
    };
  }

  /** For an unsupported language, the vendor uses that of the number's country, or English. */
  async start({ phone, locale }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const language = closestLanguage(locale, LANGUAGES);
    const fields = { To: phone, Channel: 'sms', ...(language !== undefined && { Locale: language }) };
    const interpret = sendReceipt((answer) => readStarted(answer, phone), readRefusedSend);
    return this.#account.post(`${this.#service}/Verifications`, fields, call, interpret);
  }

  /** If the response to the start was lost, the vendor finds the verification by the number. */
  async check({ phone, code, reference }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    const sid = isSid(reference, 'VE') ? reference : undefined;
    const fields = { ...(sid === undefined ? { To: phone } : { VerificationSid: sid }), Code: new Secret(code) };
    const interpret = checkReceipt((answer) => readCheck(answer, phone, sid), readRefusedCheck);
    return this.#account.post(`${this.#service}/VerificationCheck`, fields, call, interpret);
  }

  async cancel({ reference }: VendorReference, call: ProviderCall): Promise<void> {
    if (!isSid(reference, 'VE')) return;
    await this.#account.post(`${this.#service}/Verifications/${reference}`, { Status: 'canceled' }, call, (reply) => ({
      outcome: reply.kind === 'answer' && reply.status === 200 ? 'canceled' : 'unknown',
    }));
  }
}

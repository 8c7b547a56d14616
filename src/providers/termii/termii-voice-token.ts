import type {
  CheckReceipt,
  DelegatedProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorStart,
} from '../../delivery/provider.js';
import { sendReceipt } from '../provider-kit/receipts.js';
import { digitsOf, pinFields, TermiiAccount } from './termii-account.js';
import { readCalledToken } from './termii-answer.js';
import type { TermiiVoiceTokenOptions } from './termii-options.js';

/**
 * Termii Voice Token (Nigeria and beyond): the vendor generates the code, reads it out in a phone call, and checks it.
 * Contract: {@link https://developers.termii.com/voice-token}
 *
 * @example new TermiiVoiceToken({ apiKey: process.env.TERMII_API_KEY!, baseUrl: 'https://api.ng.termii.com' })
 */
export class TermiiVoiceToken implements DelegatedProvider {
  readonly name = 'termii-voice-token';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #account: TermiiAccount;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TermiiVoiceTokenOptions) {
    this.#account = new TermiiAccount(this.name, options);
    this.capabilities = this.#account.tokenCapabilities(options);
  }

  async start(request: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const fields = { phone_number: digitsOf(request.phone), ...pinFields(request) };
    return this.#account.post('/api/sms/otp/send/voice', fields, call, sendReceipt(readCalledToken));
  }

  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    return this.#account.verify(request, call);
  }
}

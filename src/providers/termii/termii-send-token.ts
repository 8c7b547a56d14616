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
import { templateOption } from '../provider-kit/text-template.js';
import { digitsOf, pinFields, senderFields, TermiiAccount } from './termii-account.js';
import { readSentToken } from './termii-answer.js';
import type { TermiiSendTokenOptions } from './termii-options.js';

/** Placeholder that the vendor replaces with the code. The caller chooses it; this is the one in the vendor's samples. */
const PLACEHOLDER = '< 1234 >';

/**
 * Termii Send Token (Nigeria and beyond): the vendor generates, sends and checks the code.
 * Contract: {@link https://developers.termii.com/send-token}
 *
 * The vendor finds a code by an id from its response. If the response is lost, the user needs a new message.
 *
 * @example
 * new TermiiSendToken({ apiKey: process.env.TERMII_API_KEY!, baseUrl: 'https://api.ng.termii.com', sender: 'Acme' })
 */
export class TermiiSendToken implements DelegatedProvider {
  readonly name = 'termii-send-token';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #account: TermiiAccount;
  readonly #sender: ReturnType<typeof senderFields>;
  readonly #message: (locale: string) => string;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TermiiSendTokenOptions) {
    this.#account = new TermiiAccount(this.name, options);
    this.#sender = senderFields(options);
    this.#message = templateOption('message', options.message ?? `Your code is ${PLACEHOLDER}.`, PLACEHOLDER);
    this.capabilities = {
      ...this.#account.tokenCapabilities(options),
      ...(options.message !== undefined && { languages: 'any' }), // still fixed: every message has the same text
    };
  }

  async start(request: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const to = digitsOf(request.phone);
    const fields = {
      to,
      ...this.#sender,
      ...pinFields(request),
      pin_type: 'NUMERIC',
      message_type: 'NUMERIC', // name of `pin_type` in samples and older pages
      pin_placeholder: PLACEHOLDER,
      message_text: this.#message(request.locale),
    };
    const interpret = sendReceipt((answer) => readSentToken(answer, to));
    return this.#account.post('/api/sms/otp/send', fields, call, interpret);
  }

  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    return this.#account.verify(request, call);
  }
}

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

/** What the vendor replaces with the code. It is the caller's to choose, and this is the one of its samples. */
const PLACEHOLDER = '< 1234 >';

/**
 * Termii Send Token (Nigeria and beyond): the vendor makes the code, sends it and checks it.
 * Contract: {@link https://developers.termii.com/send-token}
 *
 * The vendor finds a code by an id that its answer brings: where the answer is lost, a new message is needed.
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

  /** @throws OtpConfigError naming the option and what to write instead */
  constructor(options: TermiiSendTokenOptions) {
    this.#account = new TermiiAccount(this.name, options);
    this.#sender = senderFields(options);
    this.#message = templateOption('message', options.message ?? `Your code is ${PLACEHOLDER}.`, PLACEHOLDER);
    this.capabilities = {
      ...this.#account.tokenCapabilities(options),
      ...(options.message !== undefined && { languages: 'any' }), // still fixed: the same in every message
    };
  }

  async start(request: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const to = digitsOf(request.phone);
    const fields = {
      to,
      ...this.#sender,
      ...pinFields(request),
      pin_type: 'NUMERIC',
      message_type: 'NUMERIC', // the name of `pin_type` in samples and older pages
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

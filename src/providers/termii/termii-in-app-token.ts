import { OtpConfigError } from '../../errors/otp.error.js';
import type {
  CheckReceipt,
  DeliveryProvider,
  GeneratorProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorStart,
} from '../../delivery/provider.js';
import { sendReceipt } from '../provider-kit/receipts.js';
import { digitsOf, pinFields, TermiiAccount } from './termii-account.js';
import { readGeneratedToken } from './termii-answer.js';
import type { TermiiInAppTokenOptions } from './termii-options.js';

/**
 * Termii In-App Token (Nigeria and beyond): the vendor generates and checks the code; another provider delivers it.
 * Contract: {@link https://developer.termii.com/in-app-token}
 *
 * The vendor returns the code in plain text to the application, so the code alone proves nothing about the phone. This
 * adapter renders it into the text for `delivery`; it appears nowhere else.
 *
 * @example new TermiiInAppToken({ ...account, delivery: new TermiiSms({ ...account, sender: 'Acme' }) })
 */
export class TermiiInAppToken implements GeneratorProvider {
  readonly name = 'termii-in-app-token';
  readonly mode = 'generator';
  readonly capabilities: ProviderCapabilities;
  readonly delivery: DeliveryProvider;

  readonly #account: TermiiAccount;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: TermiiInAppTokenOptions) {
    this.#account = new TermiiAccount(this.name, options);
    this.delivery = deliveryOption(options.delivery);
    const { languages, fixedText, reportsCost, developmentOnly } = this.delivery.capabilities;
    this.capabilities = {
      ...this.#account.tokenCapabilities(options),
      languages,
      fixedText,
      reportsCost,
      developmentOnly: developmentOnly || this.#account.developmentOnly,
    };
  }

  async generate(request: VendorStart, call: ProviderCall): Promise<SendReceipt & { code?: string }> {
    const number = digitsOf(request.phone);
    const pin = pinFields(request);
    const fields = { pin_type: 'NUMERIC', phone_number: number, ...pin };
    const interpret = sendReceipt((answer) => readGeneratedToken(answer, number, pin.pin_length));
    return this.#account.post('/api/sms/otp/generate', fields, call, (reply) => neverAmbiguous(interpret(reply)));
  }

  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    return this.#account.verify(request, call);
  }
}

/** Without the vendor's response there is no code to deliver, so no message was sent. */
function neverAmbiguous(receipt: SendReceipt): SendReceipt {
  return receipt.outcome === 'unknown' ? { ...receipt, ambiguous: false } : receipt;
}

function deliveryOption(delivery: DeliveryProvider): DeliveryProvider {
  if (delivery?.mode === 'delivery' && typeof delivery.send === 'function') return delivery;
  throw new OtpConfigError(
    '"delivery" must be a provider that delivers texts, such as TermiiSms: the vendor generates the code but sends nothing.',
  );
}

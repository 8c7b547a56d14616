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
 * Termii In-App Token (Nigeria and beyond): the vendor makes the code and checks it; another provider brings it.
 * Contract: {@link https://developer.termii.com/in-app-token}
 *
 * The vendor answers with the code in the clear, and meant for the application: by itself it proves nothing of the phone.
 * Here it is rendered into the text for `delivery` and appears nowhere else.
 *
 * @example new TermiiInAppToken({ ...account, delivery: new TermiiSms({ ...account, sender: 'Acme' }) })
 */
export class TermiiInAppToken implements GeneratorProvider {
  readonly name = 'termii-in-app-token';
  readonly mode = 'generator';
  readonly capabilities: ProviderCapabilities;
  readonly delivery: DeliveryProvider;

  readonly #account: TermiiAccount;

  /** @throws OtpConfigError naming the option and what to write instead */
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
    return this.#account.post('/api/sms/otp/generate', fields, call, (reply) => nothingLeft(interpret(reply)));
  }

  check(request: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    return this.#account.verify(request, call);
  }
}

/** Whatever became of the request: without its answer nobody has a code to bring, so surely no message is on its way. */
function nothingLeft(receipt: SendReceipt): SendReceipt {
  return receipt.outcome === 'unknown' ? { ...receipt, ambiguous: false } : receipt;
}

function deliveryOption(delivery: DeliveryProvider): DeliveryProvider {
  if (delivery?.mode === 'delivery' && typeof delivery.send === 'function') return delivery;
  throw new OtpConfigError(
    '"delivery" must be a provider that brings texts, such as TermiiSms: the vendor makes the code, but sends nothing.',
  );
}

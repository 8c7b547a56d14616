import { OtpConfigError } from '../../errors/otp.error.js';
import { choiceOption, figureOption, wholeOption } from '../provider-kit/adapter-options.js';
import type {
  CheckReceipt,
  DelegatedProvider,
  ProviderCall,
  ProviderCapabilities,
  SendReceipt,
  VendorCheck,
  VendorStart,
} from '../../delivery/provider.js';
import { checkReceipt, sendReceipt } from '../provider-kit/receipts.js';
import { Secret } from '../provider-kit/secret.js';
import { templateOption } from '../provider-kit/text-template.js';
import { localNumber, NinetyNineAccount, type NinetyNineMessage } from './ninety-nine-account.js';
import { type NinetyNineDelivery, type NinetyNineRefusal, readCheck, readSend } from './ninety-nine-answer.js';
import type { NinetyNineVerifyOptions } from './ninety-nine-options.js';

/** Documented: "the client has 10 minutes to enter the code". */
const TTL_SECONDS = 600;

/**
 * 99 Digital Verify SMS (Israel): the vendor generates, sends and checks the code.
 * Contract: {@link https://docs.99digital.co.il/sms-api/verify-sms}
 *
 * The vendor finds a code by the number alone, so this module allows one challenge per number at a time. The vendor serves
 * only Israeli mobile numbers; others are refused without a call.
 *
 * @example
 * new NinetyNineVerify({ apiKey: process.env.NINETY_NINE_API_KEY!, sender: 'Acme', message: 'Acme code: ##code##' })
 */
export class NinetyNineVerify implements DelegatedProvider {
  readonly name = 'ninety-nine-verify';
  readonly mode = 'delegated';
  readonly capabilities: ProviderCapabilities;

  readonly #account: NinetyNineAccount;
  readonly #options: ReturnType<typeof resolveOptions>;

  /** @throws OtpConfigError that names the invalid option and says what to set instead */
  constructor(options: NinetyNineVerifyOptions) {
    this.#account = new NinetyNineAccount(this.name, options);
    this.#options = resolveOptions(options);
    const { message, refusals, codeLength, maxAttempts, cooldownSeconds } = this.#options;
    this.capabilities = {
      correlation: 'phone',
      codeLength,
      ttlSeconds: TTL_SECONDS,
      maxAttempts,
      resendCooldown: cooldownSeconds,
      languages: message ? 'any' : ['en'],
      fixedText: true, // the host writes the text, but it is the same in every message
      idempotent: false,
      reportsCost: false,
      distinguishesExpired: [...refusals.values()].includes('expired'),
      developmentOnly: this.#account.developmentOnly,
    };
  }

  async start({ phone, locale }: VendorStart, call: ProviderCall): Promise<SendReceipt> {
    const to = localNumber(phone);
    if (to === undefined) return { outcome: 'invalid_number' };
    const message = this.#options.message?.(locale);
    const fields = { from: this.#account.sender, to, ...(message !== undefined && { message }) };
    return this.#account.post('/sms/verifySMS', fields, call, sendReceipt(readSend));
  }

  async check({ phone, code }: VendorCheck, call: ProviderCall): Promise<CheckReceipt> {
    const to = localNumber(phone);
    if (to === undefined) return { outcome: 'invalid_number' };
    const { checkPath, refusals } = this.#options;
    const interpret = checkReceipt((answer) => readCheck(answer, to, refusals));
    return this.#account.post(checkPath, { to, code: new Secret(code) }, call, interpret);
  }

  /** Asks for the delivery status of a message; this module does not use it. Contract: {@link https://docs.99digital.co.il/sms-api/delivery-status} */
  deliveryStatus(message: NinetyNineMessage, call: ProviderCall): Promise<NinetyNineDelivery> {
    return this.#account.deliveryStatus(message, call);
  }
}

function resolveOptions(options: NinetyNineVerifyOptions) {
  const { message, checkStatuses } = options;
  return {
    message: message === undefined ? undefined : templateOption('message', message, '##code##'),
    checkPath: pathOption('checkPath', options.checkPath ?? '/sms/verifySMS'),
    refusals: refusalsOption('checkStatuses', checkStatuses ?? {}),
    codeLength: figureOption('codeLength', options.codeLength ?? 'unknown', 4, 8),
    maxAttempts: wholeOption('maxAttempts', options.maxAttempts ?? 5, 1, 10),
    cooldownSeconds: wholeOption('cooldownSeconds', options.cooldownSeconds ?? 60, 1, 3600),
  };
}

function pathOption(option: string, path: string): string {
  if (typeof path === 'string' && /^(\/[\w-]+)+$/.test(path)) return path;
  throw new OtpConfigError(`"${option}" must be a path such as "/sms/verifySMS".`);
}

function refusalsOption(option: string, statuses: Readonly<Record<number, NinetyNineRefusal>>) {
  const refusals = new Map<number, NinetyNineRefusal>();
  for (const [status, outcome] of Object.entries(statuses)) {
    const known = ['incorrect_code', 'expired', 'attempts_exhausted'] as const;
    if (!/^-?\d+$/.test(status) || Number(status) === 1) {
      throw new OtpConfigError(
        `"${option}" must have whole numbers other than 1 as its keys: 1 is the vendor's only success.`,
      );
    }
    refusals.set(Number(status), choiceOption(`${option}.${status}`, outcome, known));
  }
  return refusals;
}

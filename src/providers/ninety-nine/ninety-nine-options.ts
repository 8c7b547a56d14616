import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';
import type { TextTemplate } from '../provider-kit/text-template.js';
import type { NinetyNineRefusal } from './ninety-nine-answer.js';

/** Settings that both adapters of the vendor have. */
export interface NinetyNineOptions extends HttpClientOptions {
  /** The account's key for the service. */
  apiKey: string;
  /** Whom messages come from, in at most 11 characters: a name, or a number that the vendor approved, without `+972`. */
  sender: string;
}

/** Settings of {@link NinetyNineSms}. */
export type NinetyNineSmsOptions = NinetyNineOptions;

/** Settings of {@link NinetyNineVerify}. Where the vendor documents no figure, the default is ours, and says so. */
export interface NinetyNineVerifyOptions extends NinetyNineOptions {
  /** The text, with `##code##` exactly once. @defaultValue the vendor's: "Your verification code is: ##code##" */
  message?: TextTemplate;
  /** Where codes are checked. The pages print the address of sending, and this is for the day they print another. */
  checkPath?: string;
  /**
   * What a `status` other than 1 means at a check, such as `{ 2: 'expired' }`. Not documented: whatever is not listed here
   * counts as an incorrect code.
   */
  checkStatuses?: Readonly<Record<number, NinetyNineRefusal>>;
  /** Digits of the vendor's codes; `unknown` takes 4 to 8. Not documented. @defaultValue 'unknown' */
  codeLength?: number | 'unknown';
  /** Codes that the vendor compares for one message. Not documented. @defaultValue 5 */
  maxAttempts?: number;
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Of all adapters of the vendor: one account's settings may be given to each of them. */
export const NINETY_NINE_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  apiKey: true,
  sender: true,
  message: true,
  checkPath: true,
  checkStatuses: true,
  codeLength: true,
  maxAttempts: true,
  cooldownSeconds: true,
} satisfies OptionNames<NinetyNineSmsOptions & NinetyNineVerifyOptions>;

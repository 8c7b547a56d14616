import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';
import type { TextTemplate } from '../provider-kit/text-template.js';
import type { NinetyNineRefusal } from './ninety-nine-answer.js';

/** Options of both adapters of the vendor. */
export interface NinetyNineOptions extends HttpClientOptions {
  /** The account's key for the service. */
  apiKey: string;
  /** Sender of at most 11 characters: a name, or a number that the vendor approved, without `+972`. */
  sender: string;
}

/** Options of {@link NinetyNineSms}. */
export type NinetyNineSmsOptions = NinetyNineOptions;

/** Options of {@link NinetyNineVerify}. If the vendor documents no figure, the option says so and this package chooses the default. */
export interface NinetyNineVerifyOptions extends NinetyNineOptions {
  /** The text, with `##code##` exactly once. @defaultValue the vendor's text: "Your verification code is: ##code##" */
  message?: TextTemplate;
  /** Path of checks. The vendor's pages document the path of sending for both; change it if they document another. @defaultValue '/sms/verifySMS' */
  checkPath?: string;
  /**
   * Meaning of a `status` other than 1 at a check, such as `{ 2: 'expired' }`. Not documented. A status that is not listed
   * here counts as an incorrect code.
   */
  checkStatuses?: Readonly<Record<number, NinetyNineRefusal>>;
  /** Digits of the vendor's codes; `unknown` accepts 4 to 8. Not documented. @defaultValue 'unknown' */
  codeLength?: number | 'unknown';
  /** Number of codes that the vendor compares per message. Not documented. @defaultValue 5 */
  maxAttempts?: number;
  /** Wait before another message to the same number, in seconds. Not documented. @defaultValue 60 */
  cooldownSeconds?: number;
}

/** Options of all adapters of the vendor, so that they can share one options object. */
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

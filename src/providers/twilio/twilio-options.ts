import type { OptionNames } from '../../config/option-names.js';
import { HTTP_CLIENT_OPTIONS, type HttpClientOptions } from '../provider-kit/http-client.js';

/** Options of both adapters of the vendor. */
export interface TwilioOptions extends HttpClientOptions {
  /** The account's SID, `AC…`. */
  accountSid: string;
  /** SID of an API key, `SK…`, which can be revoked separately. @defaultValue the account's own SID, with its auth token */
  apiKeySid?: string;
  /** The secret of the API key, or the account's auth token. */
  secret: string;
}

/** Options of {@link TwilioSms}. Set the sender by either `from` or `messagingServiceSid`. */
export interface TwilioSmsOptions extends TwilioOptions {
  /** Sender: a number of the account in E.164, a short code, or a name of at most 11 ASCII characters with at least one letter. */
  from?: string;
  /** A Messaging Service, `MG…`, which chooses the sender. */
  messagingServiceSid?: string;
}

/** Options of {@link TwilioVerify}. `codeLength` and `ttlSeconds` must match the settings of the Verify Service. */
export interface TwilioVerifyOptions extends TwilioOptions {
  /** The Verify Service, `VA…`. Leave its "custom code" off: the vendor generates the codes. */
  serviceSid: string;
  /** Digits of a code, as configured in the service. @defaultValue 6 */
  codeLength?: number;
  /** Lifetime of a code, in seconds; the vendor's support can change it. @defaultValue 600 */
  ttlSeconds?: number;
}

/** Options of all adapters of the vendor, so that they can share one options object. */
export const TWILIO_OPTIONS = {
  ...HTTP_CLIENT_OPTIONS,
  accountSid: true,
  apiKeySid: true,
  secret: true,
  from: true,
  messagingServiceSid: true,
  serviceSid: true,
  codeLength: true,
  ttlSeconds: true,
} satisfies OptionNames<TwilioSmsOptions & TwilioVerifyOptions>;

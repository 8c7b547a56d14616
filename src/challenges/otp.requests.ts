import type { Action } from './action.js';
import type { Purpose } from '../config/purposes.js';

/** Origin of a call: a client with its address, or `server` for your own code. There is no default, so unidentified clients never share a counter. */
export type Client = 'server' | { address: string; deviceKey?: string; botToken?: string };

/** What `OtpService.start` takes. */
export interface StartRequest {
  /** The phone number as typed. */
  phone: string;
  purpose: Purpose;
  /**
   * `address`: the client's address, resolved behind a configured number of proxies. `deviceKey`: 16 to 256 random
   * characters that you keep in a cookie; a new start from the same device replaces its earlier challenge, and a device that
   * has proved the number has a budget that strangers cannot use up. `botToken`: passed to your `BotCheck`.
   */
  client: Client;
  /** BCP 47 tag; the nearest language with texts is used. */
  locale?: string;
  /** The signed-in account, if any. Only this account can verify the challenge, and the call waits for the vendor's answer. */
  subject?: string;
  /** The account's login session. The challenge can then be verified in this session only. */
  session?: string;
  /** The record to confirm; required for `transaction`. The message names it, and the grant is valid for it only. */
  action?: Action;
  /**
   * Within the cooldown, return the live challenge that an identical request started and send nothing, instead of throwing
   * `otp_too_soon`. Works for a challenge with a `subject`. @defaultValue false
   */
  reuse?: boolean;
}

/** A started challenge, as returned to the client. */
export interface StartedChallenge {
  /** The handle, which the client needs to resend or verify. A secret. */
  challenge: string;
  /** The masked phone number. */
  phone: string;
  expiresAt: Date;
  /** When the next message can be requested. */
  resendAt: Date;
  codeLength: number;
}

/** What `OtpService.resend` takes. */
export interface ResendRequest {
  challenge: string;
  client: Client;
}

/** What `OtpService.verify` takes. */
export interface VerifyRequest {
  challenge: string;
  /** The code as typed. */
  code: string;
  purpose: Purpose;
  /** Origin of the call, for your `BotCheck`. @defaultValue 'server' */
  client?: Client;
  /** As passed to `start`. */
  subject?: string;
  /** As passed to `start`. */
  session?: string;
}

/** The result of a correct code. */
export interface VerifiedChallenge {
  /** Opaque, single-use grant for `Grants.consume`. A secret. */
  grant: string;
  expiresAt: Date;
  /** The account, or the phone if there was no account yet. */
  subject: string;
  /** The proved phone in canonical E.164. */
  phone: string;
  purpose: string;
}

/** Scope of a sending stop: all messages, all to a region, all by a provider, or all by a provider to a region. */
export interface SendingScope {
  /** One of the regions in the option `regions`. */
  region?: string;
  /** The name of a registered provider. */
  provider?: string;
}

/** A sending stop in force. */
export interface SendingStop extends SendingScope {
  since: Date;
  /** The reason given by the operator. */
  reason?: string;
}

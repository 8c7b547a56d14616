import type { Action } from './action.js';
import type { Purpose } from '../config/purposes.js';

/** Whom a call comes from: a client by its address, or the host itself. There is no silent shared bucket. */
export type Client = 'server' | { address: string; deviceKey?: string; botToken?: string };

/** What `OtpService.start` takes. */
export interface StartRequest {
  /** As it was typed. */
  phone: string;
  purpose: Purpose;
  /**
   * `address`: the client's, behind a configured number of proxies. `deviceKey`: 16 to 256 random characters that the
   * host keeps in a cookie; a new start of the same device replaces its earlier challenge, and a device that proved the
   * number before has a budget that strangers cannot use up. `botToken`: for the host's `BotCheck`.
   */
  client: Client;
  /** BCP 47; the nearest language with texts is used. */
  locale?: string;
  /** The signed-in account, where there is one. The challenge then answers to it alone, and the call waits for the vendor. */
  subject?: string;
  /** Its login session: the challenge then answers in this session alone. */
  session?: string;
  /** What exactly is being confirmed; needed for `transaction`. The message names it, and the grant holds for it alone. */
  action?: Action;
  /**
   * Within the cooldown, answer with the challenge that this very request began, and send nothing, where otherwise
   * `otp_too_soon` is thrown. For a challenge with a `subject`. @defaultValue false
   */
  reuse?: boolean;
}

/** What the client is told of its challenge. */
export interface StartedChallenge {
  /** The handle: what the client needs to resend or verify. A secret. */
  challenge: string;
  /** Masked. */
  phone: string;
  expiresAt: Date;
  /** When the next message can be asked for. */
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
  /** As it was typed. */
  code: string;
  purpose: Purpose;
  /** Whom the call comes from, for the host's `BotCheck`. @defaultValue 'server' */
  client?: Client;
  /** Both as given to `start`. */
  subject?: string;
  session?: string;
}

/** What a right code is worth. */
export interface VerifiedChallenge {
  /** Opaque, single use; see `Grants.consume`. A secret. */
  grant: string;
  expiresAt: Date;
  /** The account, or the phone where there was no account yet. */
  subject: string;
  /** Canonical E.164 of the phone that was proved. */
  phone: string;
  purpose: string;
}

/** What an operator stops: everything, all messages to a region, all by a provider, or those by a provider to a region. */
export interface SendingScope {
  /** One of the option `regions`. */
  region?: string;
  /** The name of a provider. */
  provider?: string;
}

export interface SendingStop extends SendingScope {
  since: Date;
  /** In the operator's words. */
  reason?: string;
}

/** A call whose caller may be a bot. */
export interface CallToCheck {
  step: 'start' | 'verify';
  purpose: string;
  /** Token of the client's widget. The ready-made routes read it from the header `OTP-Bot-Token`. */
  token: string | undefined;
  /** The client's address. */
  address: string | undefined;
}

/**
 * Tells humans from bots, for example with a CAPTCHA service. To use it, provide a class under this token.
 *
 * It is asked before a code is sent for an anonymous client, before an attempt on a challenge with two wrong codes, and before
 * every attempt while wrong codes indicate password-spraying for codes (`sprayingFailures`; NIST SP 800-63B-4 §3.2.2). Any
 * result other than `true` within 2 seconds rejects the call with `bot_check_failed`.
 */
export abstract class BotCheck {
  abstract isHuman(call: CallToCheck): Promise<boolean>;
}

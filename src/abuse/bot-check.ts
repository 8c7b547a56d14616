/** A call that a machine might make. */
export interface CallToCheck {
  step: 'start' | 'verify';
  purpose: string;
  /** What the client's widget produced, from the header `OTP-Bot-Token` on the ready-made routes. */
  token: string | undefined;
  /** The client's address. */
  address: string | undefined;
}

/**
 * Tells people from machines, where the host provides a class under this token, such as one that asks a CAPTCHA service.
 * Asked before an anonymous client has a code sent, before a code is tried on a challenge that has two wrong ones, and before
 * any is while somebody seems to guess over many accounts, `sprayingFailures` (NIST SP 800-63B-4 §3.2.2). Anything but `true` within two seconds is a no: `bot_check_failed`.
 */
export abstract class BotCheck {
  abstract isHuman(call: CallToCheck): Promise<boolean>;
}

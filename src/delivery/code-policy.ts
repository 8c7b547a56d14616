import { type BuiltInPurpose, namesPayment } from '../config/purposes.js';
import type { SingleProvider, VendorFigure } from './provider.js';

/** The policy that the application configures. */
export interface WantedPolicy {
  readonly codeLength: number;
  readonly codeTtlSeconds: number;
  readonly maxAttempts: number;
  readonly cooldownSeconds: number;
}

/** The policy that applies to a provider: the application's figures, limited to what the vendor supports. */
export interface CodePolicy {
  /** Which side compares the typed code. */
  readonly checkedBy: 'library' | 'provider';
  /** Number of digits that the user should expect. */
  readonly codeLength: number;
  /** Number of digits that a typed code may have; a range if the vendor does not document its code length. */
  readonly typedLength: readonly [min: number, max: number];
  readonly ttlSeconds: number;
  readonly maxAttempts: number;
  readonly cooldownSeconds: number;
  /** The vendor writes the text, so it cannot name an amount or a payee. */
  readonly fixedText: boolean;
  /** The vendor finds a code by phone number alone, so each phone can have only one. */
  readonly onePerPhone: boolean;
}

/** Shorter codes are too easy to guess for a step-up (NIST SP 800-63B-4 §3.1.3.2). */
const SAFE_CODE_LENGTH = 6;
/** A four-digit code is 100 times easier to guess than a six-digit one, so it allows fewer attempts. */
const SHORT_CODE_MAX_ATTEMPTS = 3;
/** Accepted code lengths if the vendor does not document its own. */
const ANY_LENGTH = [4, 8] as const;

/** Combines both sides: a stricter vendor figure wins; within a vendor's range, the application's figure applies. */
export function codePolicyOf({ mode, capabilities }: SingleProvider, wanted: WantedPolicy): CodePolicy {
  if (mode === 'delivery') {
    const { codeLength, codeTtlSeconds: ttlSeconds, maxAttempts } = wanted;
    const typedLength = [codeLength, codeLength] as const;
    return {
      checkedBy: 'library',
      codeLength,
      typedLength,
      ttlSeconds,
      maxAttempts,
      cooldownSeconds: cooldown(capabilities.resendCooldown, wanted, ttlSeconds),
      fixedText: capabilities.fixedText,
      onePerPhone: false,
    };
  }
  const codeLength = within(capabilities.codeLength, wanted.codeLength);
  const ttlSeconds = Math.min(within(capabilities.ttlSeconds, wanted.codeTtlSeconds), wanted.codeTtlSeconds);
  const maxAttempts = Math.min(within(capabilities.maxAttempts, wanted.maxAttempts), wanted.maxAttempts);
  return {
    checkedBy: 'provider',
    codeLength,
    typedLength: capabilities.codeLength === 'unknown' ? ANY_LENGTH : [codeLength, codeLength],
    ttlSeconds,
    maxAttempts: codeLength < SAFE_CODE_LENGTH ? Math.min(maxAttempts, SHORT_CODE_MAX_ATTEMPTS) : maxAttempts,
    cooldownSeconds: cooldown(capabilities.resendCooldown, wanted, ttlSeconds),
    fixedText: capabilities.fixedText,
    onePerPhone: capabilities.correlation === 'phone',
  };
}

/** Limits a wanted figure to what the vendor supports. */
export function within(figure: VendorFigure, wanted: number): number {
  if (figure === 'unknown') return wanted;
  const [min, max] = typeof figure === 'number' ? [figure, figure] : figure;
  return Math.min(Math.max(wanted, min), max);
}

function cooldown(vendor: number | 'ttl' | 'unknown', { cooldownSeconds }: WantedPolicy, ttlSeconds: number): number {
  if (vendor === 'unknown') return cooldownSeconds;
  return Math.max(cooldownSeconds, vendor === 'ttl' ? ttlSeconds : vendor);
}

/** Purposes that a short code may serve. All others need "acceptShortCodes". */
const SHORT_CODE_PURPOSES: ReadonlySet<string> = new Set<BuiltInPurpose>(['login', 'registration', 'verify_number']);

/** Why a provider is too weak for a purpose, with the option that accepts it; undefined if the provider is suitable. */
export function weaknessFor(
  purpose: string,
  { codeLength, fixedText }: { codeLength: number; fixedText: boolean },
  { acceptShortCodes, acceptFixedText }: { acceptShortCodes: boolean; acceptFixedText: boolean },
): string | undefined {
  if (!SHORT_CODE_PURPOSES.has(purpose) && codeLength < SAFE_CODE_LENGTH && !acceptShortCodes) {
    return `its codes have ${codeLength} digits (set "acceptShortCodes" to accept that)`;
  }
  if (namesPayment(purpose) && fixedText && !acceptFixedText) {
    return 'its text cannot name amount and payee (set "acceptFixedText" to accept that)';
  }
  return undefined;
}

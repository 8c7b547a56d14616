import { type BuiltInPurpose, namesPayment } from '../config/purposes.js';
import type { SingleProvider, VendorFigure } from './provider.js';

/** What the application asks for. */
export interface WantedPolicy {
  readonly codeLength: number;
  readonly codeTtlSeconds: number;
  readonly maxAttempts: number;
  readonly cooldownSeconds: number;
}

/** What holds for a provider: the application's figures, narrowed to what its vendor can do. */
export interface CodePolicy {
  /** Who compares the typed code. */
  readonly checkedBy: 'library' | 'provider';
  /** Digits to tell the person to expect. */
  readonly codeLength: number;
  /** Digits a typed code may have; a range where the vendor does not say how many it makes. */
  readonly typedLength: readonly [min: number, max: number];
  readonly ttlSeconds: number;
  readonly maxAttempts: number;
  readonly cooldownSeconds: number;
  /** The wording is the vendor's, so it cannot name an amount or a payee. */
  readonly fixedText: boolean;
  /** The vendor finds a code by phone alone, so there can be one per phone. */
  readonly onePerPhone: boolean;
}

/** Below this a code is guessed too easily to protect what a step-up protects (NIST SP 800-63B-4 §3.1.3.2). */
const SAFE_CODE_LENGTH = 6;
/** Four digits are a hundred times easier to guess, so there are fewer tries for them. */
const TRIES_OF_A_SHORT_CODE = 3;
/** Codes of vendors that do not document theirs. */
const ANY_LENGTH = [4, 8] as const;

/** A vendor's own figure wins where it is stricter; within a range of the vendor's, the application's wish counts. */
export function codePolicyOf({ mode, capabilities }: SingleProvider, wishes: WantedPolicy): CodePolicy {
  if (mode === 'delivery') {
    const { codeLength, codeTtlSeconds: ttlSeconds, maxAttempts } = wishes;
    const typedLength = [codeLength, codeLength] as const;
    return {
      checkedBy: 'library',
      codeLength,
      typedLength,
      ttlSeconds,
      maxAttempts,
      cooldownSeconds: cooldown(capabilities.resendCooldown, wishes, ttlSeconds),
      fixedText: capabilities.fixedText,
      onePerPhone: false,
    };
  }
  const codeLength = within(capabilities.codeLength, wishes.codeLength);
  const ttlSeconds = Math.min(within(capabilities.ttlSeconds, wishes.codeTtlSeconds), wishes.codeTtlSeconds);
  const maxAttempts = Math.min(within(capabilities.maxAttempts, wishes.maxAttempts), wishes.maxAttempts);
  return {
    checkedBy: 'provider',
    codeLength,
    typedLength: capabilities.codeLength === 'unknown' ? ANY_LENGTH : [codeLength, codeLength],
    ttlSeconds,
    maxAttempts: codeLength < SAFE_CODE_LENGTH ? Math.min(maxAttempts, TRIES_OF_A_SHORT_CODE) : maxAttempts,
    cooldownSeconds: cooldown(capabilities.resendCooldown, wishes, ttlSeconds),
    fixedText: capabilities.fixedText,
    onePerPhone: capabilities.correlation === 'phone',
  };
}

/** What comes of a wish. */
export function within(figure: VendorFigure, wish: number): number {
  if (figure === 'unknown') return wish;
  const [min, max] = typeof figure === 'number' ? [figure, figure] : figure;
  return Math.min(Math.max(wish, min), max);
}

function cooldown(vendor: number | 'ttl' | 'unknown', { cooldownSeconds }: WantedPolicy, ttlSeconds: number): number {
  if (vendor === 'unknown') return cooldownSeconds;
  return Math.max(cooldownSeconds, vendor === 'ttl' ? ttlSeconds : vendor);
}

/** Purposes that protect no more than a login does; every other is too much for a short code unless the host accepts it. */
const EVERYDAY: ReadonlySet<string> = new Set<BuiltInPurpose>(['login', 'registration', 'verify_number']);

/** What makes a provider unfit for a purpose, and the option that accepts it all the same; undefined when it is fit. */
export function weaknessFor(
  purpose: string,
  { codeLength, fixedText }: { codeLength: number; fixedText: boolean },
  { acceptShortCodes, acceptFixedText }: { acceptShortCodes: boolean; acceptFixedText: boolean },
): string | undefined {
  if (!EVERYDAY.has(purpose) && codeLength < SAFE_CODE_LENGTH && !acceptShortCodes) {
    return `its codes have ${codeLength} digits (set "acceptShortCodes" to accept that)`;
  }
  if (namesPayment(purpose) && fixedText && !acceptFixedText) {
    return 'its text cannot name amount and payee (set "acceptFixedText" to accept that)';
  }
  return undefined;
}

import type { SingleProvider, VendorFigure } from './provider.js';

/** What the application asks for. */
export interface Wishes {
  readonly codeLength: number;
  readonly codeTtlSeconds: number;
  readonly maxTries: number;
  readonly cooldownSeconds: number;
}

/** What holds for a provider: the application's figures, narrowed to what its vendor can do. */
export interface Terms {
  /** Who compares the typed code. */
  readonly checker: 'module' | 'vendor';
  /** Digits to tell the person to expect. */
  readonly codeLength: number;
  /** Digits a typed code may have; a range where the vendor does not say how many it makes. */
  readonly typedLength: readonly [min: number, max: number];
  readonly ttlSeconds: number;
  readonly maxTries: number;
  readonly cooldownSeconds: number;
  /** The wording is the vendor's, so it cannot name an amount or a payee. */
  readonly fixedText: boolean;
  /** The vendor finds a code by phone alone, so there can be one per phone. */
  readonly onePerPhone: boolean;
}

/** Below this a code is guessed too easily to protect what a step-up protects (NIST SP 800-63B-4 §3.1.3.2). */
export const SAFE_CODE_LENGTH = 6;
/** Four digits are a hundred times easier to guess, so there are fewer tries for them. */
const TRIES_OF_A_SHORT_CODE = 3;
/** Codes of vendors that do not document theirs. */
const ANY_LENGTH = [4, 8] as const;

/** A vendor's own figure wins where it is stricter; within a range of the vendor's, the application's wish counts. */
export function termsOf({ mode, capabilities }: SingleProvider, wishes: Wishes): Terms {
  if (mode === 'delivery') {
    const { codeLength, codeTtlSeconds: ttlSeconds, maxTries } = wishes;
    const typedLength = [codeLength, codeLength] as const;
    return {
      checker: 'module',
      codeLength,
      typedLength,
      ttlSeconds,
      maxTries,
      cooldownSeconds: cooldown(capabilities.resendCooldown, wishes, ttlSeconds),
      fixedText: capabilities.fixedText,
      onePerPhone: false,
    };
  }
  const codeLength = within(capabilities.codeLength, wishes.codeLength);
  const ttlSeconds = Math.min(within(capabilities.ttlSeconds, wishes.codeTtlSeconds), wishes.codeTtlSeconds);
  const maxTries = Math.min(within(capabilities.maxTries, wishes.maxTries), wishes.maxTries);
  return {
    checker: 'vendor',
    codeLength,
    typedLength: capabilities.codeLength === 'unknown' ? ANY_LENGTH : [codeLength, codeLength],
    ttlSeconds,
    maxTries: codeLength < SAFE_CODE_LENGTH ? Math.min(maxTries, TRIES_OF_A_SHORT_CODE) : maxTries,
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

function cooldown(vendor: number | 'ttl' | 'unknown', { cooldownSeconds }: Wishes, ttlSeconds: number): number {
  if (vendor === 'unknown') return cooldownSeconds;
  return Math.max(cooldownSeconds, vendor === 'ttl' ? ttlSeconds : vendor);
}

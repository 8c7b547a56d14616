import { OtpConfigError } from '../../errors/otp.error.js';

// Validators for adapter options. All throw an OtpConfigError that names the option and never repeats its value.

export function wholeOption(option: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new OtpConfigError(`"${option}" must be a whole number from ${min} to ${max}.`);
}

/** A whole number, or `unknown` if the vendor does not document it. */
export function figureOption(option: string, value: number | 'unknown', min: number, max: number): number | 'unknown' {
  return value === 'unknown' ? value : wholeOption(option, value, min, max);
}

/** An optional single line of text. */
export function textOption(option: string, value: string | undefined, max: number): string | undefined {
  return value === undefined ? undefined : requiredText(option, value, max, ', or omitted');
}

export function requiredText(option: string, value: string, max: number, orElse = ''): string {
  if (typeof value === 'string' && value.length >= 1 && value.length <= max && !/\p{Cc}/u.test(value)) return value;
  throw new OtpConfigError(`"${option}" must be 1 to ${max} characters without line breaks${orElse}.`);
}

export function choiceOption<T extends string>(option: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  throw new OtpConfigError(`"${option}" must be ${choices.map((choice) => `"${choice}"`).join(' or ')}.`);
}

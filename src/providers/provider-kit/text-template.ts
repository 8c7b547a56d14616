import { requiredText } from './adapter-options.js';
import { OtpConfigError } from '../../errors/otp.error.js';

/**
 * A text of the host's with the vendor's placeholder for the code: one for everybody, or one for each language beside a
 * `default`, such as `{ default: 'Your code: ##code##', he: 'הקוד שלך: ##code##' }`.
 */
export type TextTemplate = string | { readonly default: string; readonly [language: string]: string };

/** Characters of a template: some six messages on the wire, which nobody wants to pay for. */
const MAX_LENGTH = 400;

/**
 * Gives the text for a locale.
 * @throws OtpConfigError naming `option` (and the language), unless each text has the placeholder exactly once: without it
 *   the vendor sends no code, and what it makes of a second one is not documented
 */
export function templateOption(
  option: string,
  template: TextTemplate,
  placeholder: string,
): (locale: string) => string {
  const texts: Readonly<Record<string, string>> =
    typeof template === 'string' ? { default: template } : { ...template };
  for (const language of new Set(['default', ...Object.keys(texts)])) {
    checkTemplate(typeof template === 'string' ? option : `${option}.${language}`, texts[language], placeholder);
  }
  const byLanguage = new Map(Object.entries(texts));
  return (locale) => byLanguage.get(locale.toLowerCase().split(/[-_]/)[0] ?? '') ?? texts.default!;
}

function checkTemplate(option: string, text: string | undefined, placeholder: string): void {
  const places = requiredText(option, text as string, MAX_LENGTH).split(placeholder).length - 1;
  if (places !== 1)
    throw new OtpConfigError(`"${option}" must hold "${placeholder}" exactly once, in place of the code.`);
}

import { requiredText } from './adapter-options.js';
import { OtpConfigError } from '../../errors/otp.error.js';

/**
 * Your message text with the vendor's placeholder for the code: one text, or one per language with a `default`, such as
 * `{ default: 'Your code: ##code##', he: 'הקוד שלך: ##code##' }`.
 */
export type TextTemplate = string | { readonly default: string; readonly [language: string]: string };

/** Maximum characters of a template: about six SMS segments. */
const MAX_LENGTH = 400;

/**
 * Returns a function that selects the text for a locale.
 * @throws OtpConfigError that names `option` (and the language) unless each text contains the placeholder exactly once:
 *   without it the vendor sends no code, and its handling of a second one is not documented
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
  const placeholders = requiredText(option, text as string, MAX_LENGTH).split(placeholder).length - 1;
  if (placeholders !== 1)
    throw new OtpConfigError(`"${option}" must contain "${placeholder}" exactly once, in place of the code.`);
}

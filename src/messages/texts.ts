/** Languages the built-in texts are written in. */
export const LOCALES = ['ar', 'en', 'fr', 'he'] as const;
export type Locale = (typeof LOCALES)[number];

/**
 * Texts by purpose and locale, in ICU message format, with the arguments `code`, `app` and `minutes`.
 * `default` serves every purpose that has no text of its own. `code` must stand in each text exactly once.
 * An apostrophe before a brace is written twice.
 */
export type Texts = Partial<Record<string, Partial<Record<Locale, string>>>>;

const MINUTES = {
  ar: '{minutes, plural, one {دقيقة واحدة} two {دقيقتين} few {# دقائق} other {# دقيقة}}',
  en: '{minutes, plural, one {# minute} other {# minutes}}',
  fr: '{minutes, plural, one {# minute} other {# minutes}}',
  he: '{minutes, plural, one {דקה אחת} two {שתי דקות} other {# דקות}}',
} satisfies Record<Locale, string>;

// One sentence says what the code is for, since that is what a person relaying it to a fraudster can notice (SEC-45).
// English and French stay within GSM-7, where a message holds 160 characters and not 70: no typographic apostrophe, no c-cedilla.
const en = (what: string) => `{code} is your {app} code ${what}. Valid for ${MINUTES.en}. Do not share it with anyone.`;
const fr = (what: string) => `{code} est votre code {app} ${what}. Valable ${MINUTES.fr}. Ne le donnez à personne.`;
const ar = (what: string) => `{code} رمزك في {app} ${what}. صالح لمدة ${MINUTES.ar}. لا تشاركه مع أحد.`;
const he = (what: string) => `{code} הוא הקוד שלך ב-{app} ${what}. תקף ל-${MINUTES.he}. אין למסור אותו לאיש.`;

export const BUILT_IN_TEXTS: Record<string, Record<Locale, string>> & { default: Record<Locale, string> } = {
  default: {
    en: en('to confirm this number'),
    fr: fr('pour confirmer ce numéro'),
    ar: ar('لتأكيد هذا الرقم'),
    he: he('לאימות המספר'),
  },
  login: { en: en('to log in'), fr: fr('pour vous connecter'), ar: ar('لتسجيل الدخول'), he: he('לכניסה') },
  registration: { en: en('to sign up'), fr: fr('pour vous inscrire'), ar: ar('لإنشاء حساب'), he: he('להרשמה') },
  password_reset: {
    en: en('to reset your password'),
    fr: fr('pour changer de mot de passe'),
    ar: ar('لإعادة تعيين كلمة المرور'),
    he: he('לאיפוס הסיסמה'),
  },
  change_number: {
    en: en('to change your number'),
    fr: fr('pour changer de numéro'),
    ar: ar('لتغيير رقمك'),
    he: he('להחלפת המספר'),
  },
  second_factor: {
    en: en('to finish logging in'),
    fr: fr('pour terminer la connexion'),
    ar: ar('لإكمال تسجيل الدخول'),
    he: he('להשלמת הכניסה'),
  },
  transaction: {
    en: en('to confirm a transaction'),
    fr: fr('pour confirmer une transaction'),
    ar: ar('لتأكيد عملية'),
    he: he('לאישור פעולה'),
  },
};

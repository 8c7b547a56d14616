/** A language of the built-in texts. */
export type Locale = 'ar' | 'en' | 'fr' | 'he';
export const LOCALES: readonly Locale[] = ['ar', 'en', 'fr', 'he'];

/** A message without a code that notifies the owner of an event. */
export type Notice = 'number_changed' | 'password_changed' | 'recovery_code_used';
export const NOTICES: readonly Notice[] = ['number_changed', 'password_changed', 'recovery_code_used'];

/**
 * Texts by purpose and locale, in ICU message format, with the arguments `code`, `app` and `minutes`. `default` is used for every
 * purpose without its own text. Each text must contain `code` exactly once.
 *
 * Texts of `transaction` name the payment: each must contain `amount`, `currency` and `payee` exactly once (SEC-45). Texts of your
 * own purposes may contain them too; such a purpose then requires an action. A purpose with an action but without its own text
 * uses the text of `transaction`.
 *
 * `notice_number_changed`, `notice_password_changed` and `notice_recovery_code_used` are messages without a code. Their only
 * argument is `app`.
 *
 * Write an apostrophe before a brace twice.
 */
export type Texts = Partial<Record<string, Partial<Record<Locale, string>>>>;

const MINUTES = {
  ar: '{minutes, plural, one {دقيقة واحدة} two {دقيقتين} few {# دقائق} other {# دقيقة}}',
  en: '{minutes, plural, one {# minute} other {# minutes}}',
  fr: '{minutes, plural, one {# minute} other {# minutes}}',
  he: '{minutes, plural, one {דקה אחת} two {שתי דקות} other {# דקות}}',
} satisfies Record<Locale, string>;

// Each text says what the code is for, so that a victim of fraud can notice it before passing the code on (SEC-45).
// English and French use GSM-7 characters only, for 160 instead of 70 characters per segment: no typographic apostrophe, no ç.
const en = (what: string) => `{code} is your {app} code ${what}. Valid for ${MINUTES.en}. Do not share it with anyone.`;
const fr = (what: string) => `{code} est votre code {app} ${what}. Valable ${MINUTES.fr}. Ne le donnez à personne.`;
// Arabic and Hebrew fit 70 characters if the application's name is short, so their wording is as short as possible.
const ar = (what: string) => `{code} رمزك في {app} ${what}. صالح ${MINUTES.ar}. لا تشاركه مع أحد.`;
const he = (what: string) => `{code} הוא הקוד שלך ב-{app} ${what}. תקף ${MINUTES.he}. אין למסור לאיש.`;

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
    ar: ar('لتغيير كلمة السر'),
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
    ar: ar('لإكمال الدخول'),
    he: he('להשלמת הכניסה'),
  },
  transaction: {
    en: en('to pay {amount} {currency} to {payee}'),
    fr: fr('pour payer {amount} {currency} à {payee}'),
    ar: ar('لدفع {amount} {currency} إلى {payee}'),
    he: he('לתשלום {amount} {currency} ל-{payee}'),
  },
  notice_number_changed: {
    en: 'Your {app} account now uses another number. If it was not you, contact {app} at once.',
    fr: "Votre compte {app} utilise un autre numéro. Si ce n'est pas vous, contactez {app} sans attendre.",
    ar: 'تغير رقم حسابك في {app}. إن لم تغيره أنت، تواصل مع {app} فورا.',
    he: 'המספר בחשבונך ב-{app} הוחלף. אם לא ביצעת זאת, יש לפנות ל-{app} מיד.',
  },
  notice_password_changed: {
    en: 'The password of your {app} account was changed. If it was not you, contact {app} at once.',
    fr: "Le mot de passe de votre compte {app} a été changé. Si ce n'est pas vous, contactez {app} sans attendre.",
    ar: 'تغيرت كلمة سر حسابك في {app}. إن لم تغيرها أنت، تواصل مع {app} فورا.',
    he: 'הסיסמה בחשבונך ב-{app} שונתה. אם לא ביצעת זאת, יש לפנות ל-{app} מיד.',
  },
  notice_recovery_code_used: {
    en: 'A recovery code of your {app} account was used. If it was not you, contact {app} at once.',
    fr: "Un code de secours de votre compte {app} a été utilisé. Si ce n'est pas vous, contactez {app} sans attendre.",
    ar: 'استخدم رمز استرداد في {app}. إن لم تكن أنت، تواصل مع {app} فورا.',
    he: 'נוצל קוד שחזור בחשבונך ב-{app}. לא ביצעת? יש לפנות ל-{app} מיד.',
  },
};

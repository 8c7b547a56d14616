import { asksForCode, call, Problem, start, verify } from './bank-api.js';
import { countdown, ours, secondsUntil } from './clock.js';
import { type Child, el, parts } from './dom.js';
import { alertBox, form, newPasswordField, passwordField, phoneField } from './forms.js';
import { t } from './language.js';
import { go, stage, words } from './stage.js';
import { codeView, step, title } from './steps.js';
import { advance, progressOf, reloaded, signedIn, tab, usePhone, type View } from './tab.js';
import { type Key } from './texts.js';

interface Token {
  accessToken: string;
}

/** Login by code: holding the phone is enough. */
export function loginView(): Child[] {
  const { asked, phone } = progressOf('login');
  if (asked) {
    return codeView('login', asked, 'codeSentIfKnown', 'logIn', async (code) => {
      const body = { challenge: asked.challenge, code };
      enter((await call<Token>('POST', '/auth/login', { body })).accessToken);
    });
  }
  return [
    title('loginTitle'),
    ways('login'),
    el('p', { class: 'lead' }, t('loginIntro')),
    form([phoneField('phone', 'phone', phone ?? tab.phones.at(-1))], 'sendCode', async ({ phone }) => {
      step('login', { asked: await start(phone!, 'login'), phone: phone! });
    }),
    newHere(),
  ];
}

/** The password of a login that waits for its second factor. It is not stored, so a reload loses it. */
let typedPassword: string | undefined;

/** Login by password, with a code as the second factor. */
export function passwordView(): Child[] {
  const { asked, phone } = progressOf('password');
  const login = (body: object, grant?: string) =>
    call<Token>('POST', '/auth/password/login', { body, ...(grant !== undefined && { grant }) });
  if (asked) {
    const fields = typedPassword === undefined ? [passwordField()] : [];
    const note = fields.length > 0 ? 'reloadedPassword' : undefined;
    return codeView(
      'password',
      asked,
      'codeSent',
      'logIn',
      async (code, values) => {
        // Verified once: a mistyped password must not cost the code.
        const grant = progressOf('password').grant ?? (await verify(asked, code, 'second_factor')).grant;
        advance('password', { grant });
        enter((await login({ phone, password: typedPassword ?? values.password }, grant)).accessToken);
      },
      { fields, note },
    );
  }
  return [
    title('loginTitle'),
    ways('password'),
    el('p', { class: 'lead' }, t('passwordIntro')),
    form([phoneField('phone', 'phone', phone ?? tab.phones.at(-1)), passwordField()], 'logIn', async (values) => {
      const body = { phone: values.phone!, password: values.password! };
      const begun = await asksForCode(login(body));
      typedPassword = body.password;
      usePhone(body.phone);
      step('password', { asked: begun, phone: body.phone });
    }),
    el('p', { class: 'aside' }, el('a', { href: '#reset' }, t('forgotten'))),
    newHere(),
  ];
}

/** First a number, then the customer's details. */
export function registerView(): Child[] {
  const { asked, grant, grantUntil, phone } = progressOf('register');
  if (grant && grantUntil !== undefined) {
    return detailsView('register', 'registerTitle', 'registerDetails', grantUntil, [
      form(
        [{ name: 'name', label: 'name', autocomplete: 'name', maxlength: 60 }, newPasswordField()],
        'openAccount',
        async ({ name, password }) => {
          try {
            enter((await call<Token>('POST', '/auth/register', { body: { name, password }, grant })).accessToken);
          } catch (problem) {
            if (!(problem instanceof Problem) || problem.code !== 'phone_already_activated') throw problem;
            advance('register');
            go('login', {
              kind: 'bad',
              text: () => [t('error_phone_already_activated'), ' ', t('logInInstead'), '.'],
            });
          }
        },
      ),
    ]);
  }
  if (asked) {
    return codeView('register', asked, 'codeSent', 'confirm', async (code) => {
      const { grant: won, expiresAt } = await verify(asked, code, 'registration');
      step('register', { grant: won, grantUntil: ours(expiresAt) });
    });
  }
  return [
    title('registerTitle'),
    el('p', { class: 'lead' }, t('registerIntro')),
    form([phoneField('phone', 'phone', phone)], 'sendCode', async (values) => {
      step('register', { asked: await start(values.phone!, 'registration'), phone: values.phone! });
    }),
  ];
}

/** A code to the account's phone permits a new password. It does not log in. */
export function resetView(): Child[] {
  const { asked, grant, grantUntil, phone } = progressOf('reset');
  if (grant && grantUntil !== undefined) {
    return detailsView('reset', 'resetTitle', 'resetDetails', grantUntil, [
      form([newPasswordField('newPassword')], 'setPassword', async ({ password }) => {
        await call('POST', '/auth/password/reset', { body: { password }, grant });
        advance('reset');
        go(
          'password',
          words('good', () => t('resetDone')),
        );
      }),
    ]);
  }
  if (asked) {
    return codeView('reset', asked, 'codeSentIfKnown', 'confirm', async (code) => {
      const { grant: won, expiresAt } = await verify(asked, code, 'password_reset');
      step('reset', { grant: won, grantUntil: ours(expiresAt) });
    });
  }
  return [
    title('resetTitle'),
    el('p', { class: 'lead' }, t('resetIntro')),
    form([phoneField('phone', 'phone', phone ?? tab.phones.at(-1))], 'sendCode', async ({ phone }) => {
      step('reset', { asked: await start(phone!, 'password_reset'), phone: phone! });
    }),
  ];
}

function enter(accessToken: string): void {
  typedPassword = undefined;
  signedIn(accessToken);
  go('home');
}

/** The step that uses a verified number, while its grant is valid. */
function detailsView(view: View, heading: Key, lead: Key, until: number, content: Child[]): Child[] {
  if (secondsUntil(until) === 0) {
    advance(view);
    stage.flash = words('info', () => t('grantOver'));
    return view === 'register' ? registerView() : resetView();
  }
  return [
    title(heading),
    reloaded.has(view) && alertBox('info', t('reloadedGrant')),
    el('p', { class: 'lead' }, t(lead)),
    ...content,
    el('p', { class: 'validity' }, ...parts(t('grantIn'), { time: countdown(until) })),
  ];
}

function ways(current: 'login' | 'password'): HTMLElement {
  const link = (to: 'login' | 'password', key: Key) =>
    el('a', { href: `#${to}`, ...(to === current && { 'aria-current': 'true' }) }, t(key));
  return el(
    'nav',
    { class: 'ways', 'aria-label': t('loginWays') },
    link('login', 'byCode'),
    link('password', 'byPassword'),
  );
}

function newHere(): HTMLElement {
  return el('p', { class: 'aside' }, t('noAccount'), ' ', el('a', { href: '#register' }, t('navRegister')));
}

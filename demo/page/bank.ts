import { call } from './bank-api.js';
import { type Child, el, icon } from './dom.js';
import { alertBox } from './forms.js';
import { homeView } from './home.js';
import { t } from './language.js';
import { numberView } from './number.js';
import { sessionsView } from './sessions.js';
import { loginView, passwordView, registerView, resetView } from './signed-out.js';
import { go, type Showing, stage, view, words } from './stage.js';
import { signedOut, tab, type View } from './tab.js';
import { type Key } from './texts.js';
import { transferView } from './transfer.js';

const VIEWS: Record<View, () => Child[]> = {
  login: loginView,
  password: passwordView,
  register: registerView,
  reset: resetView,
  home: homeView,
  transfer: transferView,
  number: numberView,
  sessions: sessionsView,
};

/** The bank's card, with its current view. */
export function showBank(card: HTMLElement, how: Showing): void {
  const shown = view();
  const typed = how === 'same' ? inputsOf(card).map(({ name, value }) => [name, value] as const) : [];
  const focused = how === 'same' ? document.activeElement?.id : undefined;
  stage.fresh = how === 'fresh';
  const content = VIEWS[shown]().filter((child): child is Node | string => Boolean(child));
  // Made after the view, which may set a notice.
  const { flash } = stage;
  const said = el('div', { role: 'status', class: 'flash' });
  card.replaceChildren(navigation(shown), el('div', { class: 'view' }, said, ...content));
  if (flash) said.append(alertBox(flash.kind, ...flash.text()));
  for (const input of inputsOf(card)) input.value = typed.find(([name]) => name === input.name)?.[1] ?? input.value;
  if (focused) document.getElementById(focused)?.focus();
  if (how === 'fresh') focusFirst(card);
}

function inputsOf(card: HTMLElement): HTMLInputElement[] {
  return [...card.querySelectorAll<HTMLInputElement>('input, select')];
}

/** The code field if there is one, otherwise the heading, which tells the reader where they are. */
function focusFirst(card: HTMLElement): void {
  const first = card.querySelector<HTMLElement>('input.code') ?? card.querySelector<HTMLElement>('h2');
  first?.focus({ preventScroll: true });
}

function navigation(shown: View): HTMLElement {
  const link = (to: View, key: Key, current = to === shown) =>
    el('li', {}, el('a', { href: `#${to}`, ...(current && { 'aria-current': 'page' }) }, t(key)));
  const links =
    tab.token === undefined
      ? [link('login', 'navLogin', shown !== 'register'), link('register', 'navRegister')]
      : [
          link('home', 'navHome'),
          link('transfer', 'navTransfer'),
          link('number', 'navNumber'),
          link('sessions', 'navSessions'),
          el('li', { class: 'end' }, el('button', { type: 'button', class: 'quiet', onclick: logOut }, t('logout'))),
        ];
  return el('nav', { class: 'tabs', 'aria-label': t('bankArea') }, el('ul', {}, ...links));
}

async function logOut(): Promise<void> {
  await call('POST', '/auth/logout').catch(() => undefined); // already ended or unreachable: this tab forgets the session anyway
  signedOut();
  go(
    'login',
    words('info', () => t('loggedOut')),
  );
}

export function brand(): HTMLElement {
  return el('span', { class: 'brand' }, icon('bank'), t('bank'));
}

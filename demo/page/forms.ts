import { Problem } from './bank-api.js';
import { countdown, secondsUntil, ticking } from './clock.js';
import { type Child, el, icon, parts } from './dom.js';
import { t } from './language.js';
import { go, words } from './stage.js';
import { signedOut, tab } from './tab.js';
import { type Key, TEXTS } from './texts.js';

export interface Field {
  name: string;
  label: Key;
  hint?: Key;
  value?: string | undefined;
  type?: 'text' | 'tel' | 'password';
  autocomplete?: string;
  inputmode?: 'numeric' | 'decimal' | 'tel';
  /** For numbers and codes, which are written left to right. */
  dir?: 'ltr';
  maxlength?: number;
  /** @returns the error message, if something is wrong */
  check?: (value: string) => string | undefined;
  options?: readonly string[];
  class?: string;
}

export type Values = Record<string, string>;

export const phoneField = (label: Key = 'phone', name = 'phone', value?: string): Field => ({
  name,
  label,
  value,
  hint: 'phoneHint',
  type: 'tel',
  autocomplete: 'tel',
  inputmode: 'tel',
  dir: 'ltr',
  maxlength: 64,
});

export const passwordField = (): Field => ({
  name: 'password',
  label: 'password',
  type: 'password',
  autocomplete: 'current-password',
  maxlength: 128,
});

export const newPasswordField = (label: Key = 'password'): Field => ({
  ...passwordField(),
  label,
  hint: 'passwordHint',
  autocomplete: 'new-password',
  check: (value) => (value.length < 12 ? t('tooShort') : undefined),
});

/** A form that shows its own errors, whether the page or the bank finds them. */
export function form(
  fields: readonly Field[],
  submit: Key,
  send: (values: Values) => Promise<unknown>,
): HTMLFormElement {
  const button = el('button', { type: 'submit', class: 'primary' }, t(submit));
  const trouble = el('div', { class: 'trouble', role: 'alert' });
  const element = el(
    'form',
    {
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        if (button.getAttribute('aria-disabled') === 'true') return;
        trouble.replaceChildren();
        const values = checked(element, fields);
        if (values) await busy(button, trouble, () => send(values));
      },
    },
    ...fields.map(labelled),
    trouble,
    button,
  );
  return element;
}

/** Prevents a second press of a button while it works, and shows why it failed. */
export async function busy(
  button: HTMLButtonElement,
  trouble: HTMLElement,
  work: () => Promise<unknown>,
): Promise<void> {
  if (button.getAttribute('aria-disabled') === 'true') return;
  // Not "disabled", which would drop the focus.
  button.setAttribute('aria-disabled', 'true');
  button.classList.add('busy');
  try {
    await work();
    button.removeAttribute('aria-disabled');
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem('internal_server_error');
    if (leaveIfOut(problem)) return;
    trouble.replaceChildren(alertBox('bad', sentence(problem.code)));
    waitFor(problem, button, trouble);
  } finally {
    button.classList.remove('busy');
  }
}

/** The session may end at any call. */
export function leaveIfOut({ code }: Problem): boolean {
  if (code !== 'sign_in_required' || tab.token === undefined) return false;
  signedOut();
  go(
    'login',
    words('info', () => t('sessionOver')),
  );
  return true;
}

/** The message for an error code of the bank. */
export function sentence(code: string): string {
  const key = `error_${code}`;
  return t(Object.hasOwn(TEXTS.en, key) ? (key as Key) : 'error_internal_server_error');
}

/** If the bank says how long to wait, the button waits, too. */
function waitFor({ retryAt }: Problem, button: HTMLButtonElement, trouble: HTMLElement): void {
  if (retryAt === undefined) return button.removeAttribute('aria-disabled');
  const waiting = el('p', { class: 'wait' }, ...parts(t('tryIn'), { time: countdown(retryAt) }));
  trouble.append(waiting);
  let over = false;
  ticking(waiting, () => {
    if (over || secondsUntil(retryAt) > 0) return;
    over = true;
    waiting.replaceChildren(t('tryNow'));
    button.removeAttribute('aria-disabled');
  });
}

export function alertBox(kind: 'good' | 'info' | 'bad', ...text: Child[]): HTMLElement {
  const picture = { good: 'tick', info: 'info', bad: 'alert' } as const;
  return el('div', { class: `box ${kind}` }, icon(picture[kind]), el('p', {}, ...text));
}

function labelled(field: Field): HTMLElement {
  const { name, label, hint, options, value, type = 'text', class: named } = field;
  const { autocomplete, inputmode, dir, maxlength } = field;
  const id = `field-${name}`;
  const described = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(' ');
  const common = { id, name, 'aria-describedby': described, ...(named && { class: named }) };
  const input = options
    ? el('select', common, ...options.map((option) => el('option', { value: option }, option)))
    : el('input', { ...common, type, autocomplete, inputmode, dir, maxlength, required: true });
  if (value !== undefined) input.value = value;
  return el(
    'div',
    { class: `field of-${name}` },
    el('label', { for: id }, t(label)),
    input,
    hint && el('p', { class: 'hint', id: `${id}-hint` }, t(hint)),
    el('p', { class: 'wrong', id: `${id}-wrong` }),
  );
}

/** @returns the typed values; if a field is wrong, nothing: the first such field shows its error and gets the focus */
function checked(element: HTMLFormElement, fields: readonly Field[]): Values | undefined {
  const values: Values = {};
  let first: HTMLInputElement | undefined;
  for (const { name, check } of fields) {
    const input = element.elements.namedItem(name) as HTMLInputElement;
    const wrong = input.value.trim() === '' ? t('missing') : check?.(input.value);
    element.querySelector(`#field-${name}-wrong`)!.textContent = wrong ?? '';
    if (wrong) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
    if (wrong) first ??= input;
    values[name] = input.value;
  }
  first?.focus();
  return first ? undefined : values;
}

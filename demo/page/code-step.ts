import { resend } from './bank-api.js';
import { countdown, secondsUntil, ticking } from './clock.js';
import { codeIn } from './digits.js';
import { type Child, el, ltr, parts } from './dom.js';
import { busy, type Field, form, type Values } from './forms.js';
import { t } from './language.js';
import { stage, words } from './stage.js';
import { type Asked } from './tab.js';
import { type Key } from './texts.js';

interface CodeStep {
  asked: Asked;
  /** The phone that the message went to. */
  sent: 'codeSent' | 'codeSentIfKnown';
  confirm: Key;
  /** Further fields below the code. */
  fields?: readonly Field[];
  onCode: (code: string, values: Values) => Promise<unknown>;
  onResent: (asked: Asked) => void;
  onStartOver: () => void;
}

/**
 * The only code field, with everything known about its code: the recipient, the remaining time, and when another can be
 * sent.
 */
export function codeStep({ asked, sent, confirm, fields = [], onCode, onResent, onStartOver }: CodeStep): Child[] {
  const { challenge, phone, expiresAt, resendAt, codeLength } = asked;
  const code: Field = {
    name: 'code',
    label: 'code',
    hint: 'codeHint',
    autocomplete: 'one-time-code',
    inputmode: 'numeric',
    dir: 'ltr',
    class: 'code',
    check: (value) => (value.length < 4 ? t('codeShort').replace('{length}', String(codeLength)) : undefined),
  };
  const element = form([code, ...fields], confirm, (values) => onCode(values.code!, values));
  const input = element.querySelector<HTMLInputElement>('input.code')!;
  input.addEventListener('input', () => (input.value = codeIn(input.value)));
  input.addEventListener('paste', (event) => {
    event.preventDefault();
    input.value = codeIn(event.clipboardData?.getData('text') ?? '');
  });
  listenForSms(input);

  const again: HTMLButtonElement = el('button', {
    type: 'button',
    class: 'quiet',
    onclick: () =>
      busy(again, element.querySelector<HTMLElement>('.trouble')!, async () => {
        onResent(await resend(challenge));
        stage.flash = words('good', () => t('resent'));
        stage.show('fresh');
      }),
  });
  return [
    el('p', { class: 'lead' }, ...parts(t(sent), { phone: ltr(phone) })),
    element,
    el(
      'div',
      { class: 'row' },
      validity(expiresAt),
      availableFrom(again, resendAt),
      el('button', { type: 'button', class: 'quiet', onclick: onStartOver }, t('startOver')),
    ),
  ];
}

/** Puts a code into the waiting code field. @returns whether there is one */
export function fillIn(code: string): boolean {
  const input = document.querySelector<HTMLInputElement>('input.code');
  if (!input) return false;
  input.value = codeIn(code);
  input.focus();
  return true;
}

function validity(expiresAt: number): HTMLElement {
  const element = el('p', { class: 'validity', role: 'timer' });
  element.append(
    ...(parts(t('expiresIn'), { time: countdown(expiresAt) }).filter((part) => part || part === '') as Node[]),
  );
  ticking(element, () => {
    if (secondsUntil(expiresAt) > 0 || element.classList.contains('over')) return;
    element.classList.add('over');
    element.setAttribute('role', 'alert');
    element.textContent = t('expired');
  });
  return element;
}

function availableFrom(button: HTMLButtonElement, time: number): HTMLButtonElement {
  let waits: boolean | undefined;
  ticking(button, () => {
    const now = secondsUntil(time) > 0;
    if (now === waits) return;
    waits = now;
    button.disabled = now;
    button.replaceChildren(
      ...(now ? (parts(t('resendIn'), { time: countdown(time) }) as (Node | string)[]) : [t('resend')]),
    );
  });
  return button;
}

let listening: AbortController | undefined;

/** Where the browser hands over codes bound to this site (WebOTP), the field fills itself. */
function listenForSms(input: HTMLInputElement): void {
  listening?.abort();
  if (!('OTPCredential' in window)) return;
  listening = new AbortController();
  const { signal } = listening;
  const options = { otp: { transport: ['sms'] }, signal } as CredentialRequestOptions;
  navigator.credentials.get(options).then(
    (credential) => {
      const { code } = (credential ?? {}) as { code?: string };
      if (code && input.isConnected) input.value = codeIn(code);
    },
    () => undefined, // refused or aborted: the user types the code
  );
}

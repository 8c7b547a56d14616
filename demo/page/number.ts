import { call, start, verify } from './bank-api.js';
import { samePhone } from './digits.js';
import { type Child, el, ltr, parts } from './dom.js';
import { alertBox, form, phoneField } from './forms.js';
import { language, t } from './language.js';
import { go } from './stage.js';
import { codeView, step, title } from './steps.js';
import { advance, progressOf, tab } from './tab.js';

/** A code from each phone: first the old one, then the new one. */
export function numberView(): Child[] {
  const { asked, grant, phone, newPhone, toNew } = progressOf('number');
  if (!asked) return begin(phone, newPhone);
  if (!toNew) {
    const above = [alertBox('info', t('codeOfCurrent'))];
    return codeView(
      'number',
      asked,
      'codeSent',
      'continue',
      async (code) => {
        const won = grant ?? (await verify(asked, code, 'change_number')).grant;
        advance('number', { grant: won }); // it stays valid if no code can be sent to the other phone
        step('number', { asked: await start(newPhone!, 'verify_number'), toNew: true });
      },
      { above },
    );
  }
  const above = [alertBox('info', t('codeOfNext'))];
  return codeView(
    'number',
    asked,
    'codeSent',
    'confirm',
    async (code) => {
      const won = progressOf('number').newNumberGrant ?? (await verify(asked, code, 'verify_number')).grant;
      advance('number', { newNumberGrant: won });
      const changed = await call<{ phone: string; heldUntil: string | null }>('POST', '/numbers/change', {
        body: { newNumberGrant: won },
        grant: grant!,
      });
      advance('number');
      go('home', { kind: 'good', text: () => parts(t('numberDone'), said(changed)) });
    },
    { above },
  );
}

function begin(phone: string | undefined, newPhone: string | undefined): Child[] {
  const mine = phone ?? tab.phones.findLast((typed) => !newPhone || !samePhone(typed, newPhone));
  return [
    title('numberTitle'),
    el('p', { class: 'lead' }, t('numberIntro')),
    form(
      [phoneField('currentPhone', 'phone', mine), phoneField('nextPhone', 'newPhone', newPhone)],
      'continue',
      async (values) => {
        const asked = await start(values.phone!, 'change_number');
        step('number', { asked, phone: values.phone!, newPhone: values.newPhone! });
      },
    ),
  ];
}

function said({ phone, heldUntil }: { phone: string; heldUntil: string | null }): Record<string, Child> {
  const time = heldUntil === null ? '' : shortTime(heldUntil);
  return { phone: ltr(phone), time: el('bdi', {}, time) };
}

export function shortTime(date: string): string {
  const format = new Intl.DateTimeFormat(`${language()}-u-nu-latn-ca-gregory`, {
    dateStyle: 'medium',
    timeStyle: 'short',
  });
  return format.format(new Date(date));
}

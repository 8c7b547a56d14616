import { call } from './bank-api.js';
import { type Child, el, ltr, parts } from './dom.js';
import { alertBox, sentence } from './forms.js';
import { t } from './language.js';
import { seen, type Vendors } from './live.js';
import { type Key } from './texts.js';

const FAULTS = ['none', 'slow', 'silent', 'down', 'busy', 'cut', 'garbage', 'lying', 'twice'] as const;

/** The vendor that sends the codes, and its fault. Both apply to all viewers of this bank. */
export function showVendors(place: HTMLElement): void {
  const { vendors: state } = seen;
  const heading = el('h2', { id: 'vendor-title' }, t('vendorTitle'));
  if (!state) return place.replaceChildren(heading);
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : undefined;
  const trouble = el('div', { class: 'trouble', role: 'alert' });
  place.replaceChildren(heading, choice(state, trouble), faults(state, trouble), trouble);
  if (focused) document.getElementById(focused)?.focus();
}

function choice({ vendors, current }: Vendors, trouble: HTMLElement): HTMLElement {
  const { simulated, example } = vendors.find(({ id }) => id === current)!;
  const select: HTMLSelectElement = el(
    'select',
    {
      id: 'vendor',
      'aria-describedby': 'vendor-about',
      disabled: vendors.length === 1,
      onchange: () => tell(trouble, '/demo/vendors', { id: select.value }),
    },
    ...vendors.map(({ id, title }) =>
      el('option', { value: id, selected: id === current }, id === 'capturing' ? t('vendorNone') : title),
    ),
  );
  const about: Child[] = [
    simulated && t('vendorSimulated'),
    !simulated && current !== 'capturing' && t('vendorReal'),
    ...(example ? [' ', ...parts(t('vendorExample'), { phone: ltr(example) })] : []),
    ' ',
    ...parts(t('vendorEnv'), { variable: ltr(`OTP_PROVIDER=${current}`, 'code') }),
  ];
  return el(
    'div',
    { class: 'field' },
    el('label', { for: 'vendor' }, t('vendor')),
    select,
    el('p', { class: 'hint', id: 'vendor-about' }, ...about),
  );
}

function faults({ vendors, current, fault }: Vendors, trouble: HTMLElement): HTMLElement {
  if (!vendors.find(({ id }) => id === current)!.simulated) return el('p', { class: 'empty' }, t('faultsNone'));
  const radio = (name: (typeof FAULTS)[number]) =>
    el(
      'label',
      { class: 'pill' },
      el('input', {
        type: 'radio',
        name: 'fault',
        id: `fault-${name}`,
        value: name,
        checked: name === fault,
        onchange: () => tell(trouble, '/demo/faults', { fault: name }),
      }),
      el('span', {}, t(`fault_${name}`)),
    );
  return el(
    'fieldset',
    { class: 'faults', 'aria-describedby': 'fault-about' },
    el('legend', {}, t('faults')),
    el('div', { class: 'pills' }, ...FAULTS.map(radio)),
    el('p', { class: 'hint', id: 'fault-about', 'aria-live': 'polite' }, t(`faultSays_${fault}` as Key)),
  );
}

/** The answer arrives as an event, for all viewers alike. */
async function tell(trouble: HTMLElement, path: string, body: object): Promise<void> {
  try {
    await call('POST', path, { body });
  } catch (problem) {
    trouble.replaceChildren(alertBox('bad', sentence((problem as { code: string }).code)));
  }
}

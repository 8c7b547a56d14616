import { codeStep } from './code-step.js';
import { type Child, el } from './dom.js';
import { alertBox } from './forms.js';
import { t } from './language.js';
import { stage } from './stage.js';
import { advance, type Asked, progressOf, reloaded, type View } from './tab.js';
import { type Key } from './texts.js';

/** Moves the current task one step forward; without a change, back to its beginning. */
export function step(view: View, change: Parameters<typeof advance>[1]): void {
  stage.flash = undefined;
  advance(view, change);
  stage.show('fresh');
}

export function title(key: Key): HTMLElement {
  return el('h2', { tabindex: -1 }, t(key));
}

/** Typed text is kept. */
function startOver(view: View): void {
  const { phone, newPhone } = progressOf(view);
  advance(view);
  step(view, { ...(phone && { phone }), ...(newPhone && { newPhone }) });
}

/** The view for entering a code, for any task. */
export function codeView(
  view: View,
  asked: Asked,
  sent: 'codeSent' | 'codeSentIfKnown',
  confirm: Key,
  onCode: Parameters<typeof codeStep>[0]['onCode'],
  {
    fields,
    note,
    above = [],
  }: { fields?: Parameters<typeof codeStep>[0]['fields']; note?: Key | undefined; above?: Child[] } = {},
): Child[] {
  const said = note ?? (reloaded.has(view) ? 'reloadedCode' : undefined);
  return [
    title('codeTitle'),
    said && alertBox('info', t(said)),
    ...above,
    ...codeStep({
      asked,
      sent,
      confirm,
      ...(fields && { fields }),
      onCode,
      onResent: (next) => advance(view, { asked: next }),
      onStartOver: () => startOver(view),
    }),
  ];
}

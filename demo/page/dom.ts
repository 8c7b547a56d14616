export type Child = Node | string | null | undefined | false;
type Listener = (event: Event) => unknown;
type Properties = Record<string, string | number | boolean | undefined | Listener>;

/** Makes an element. "on…" adds a listener; true and false set and omit an attribute; text stays text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), (event) => void value(event));
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.filter(isThere));
  return element;
}

function isThere(child: Child): child is Node | string {
  return child !== null && child !== undefined && child !== false;
}

/** Makes a decorative icon: `href` names a symbol, drawn with one path. */
export function icon(name: keyof typeof PATHS): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

const SVG = 'http://www.w3.org/2000/svg';
const PATHS = {
  bank: 'M12 3 3 8v2h18V8zM5 12v6m4.700-6v6m4.600-6v6M19 12v6M3 21h18',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2m0 16v2M2 12h2m16 0h2M4.900 4.900l1.400 1.400m11.400 11.400 1.400 1.400M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z',
  alert: 'M12 3.500 2.500 20h19zM12 10v4.500m0 2.500v.010',
  tick: 'm5 12.500 4.500 4.500L19 7.500',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 8v5.500m0-9v.010',
  message: 'M4 5h16v11H9l-5 4z',
  send: 'M4 12h15m-6-6 6 6-6 6',
  phone: 'M7 2.500h10v19H7zM11 18.500h2',
};

/** Shows numbers, codes and names left to right in any language. */
export function ltr(text: string, tag: 'bdi' | 'code' = 'bdi'): HTMLElement {
  return el(tag, { dir: 'ltr' }, text);
}

/** Fills one place in a text with an element: `parts('to {phone}', { phone: ltr('+966…') })`. */
export function parts(text: string, filled: Record<string, Child>): Child[] {
  return text.split(/\{(\w+)\}/).map((part, n) => (n % 2 === 0 ? part : filled[part]));
}

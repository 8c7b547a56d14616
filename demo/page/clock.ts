import { el } from './dom.js';

/** How far the server's clock is ahead of ours. Its dates are in whole seconds, so a little means nothing. */
let aheadMs = 0;

export function learnTime(date: string | null): void {
  const ahead = Date.parse(date ?? '') - Date.now();
  aheadMs = Math.abs(ahead) > 2000 ? ahead : 0;
}

/** A time of the server's, on our clock. */
export function ours(date: string): number {
  return Date.parse(date) - aheadMs;
}

export function secondsUntil(time: number): number {
  return Math.max(0, Math.ceil((time - Date.now()) / 1000));
}

export function minutes(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const rest = [Math.floor(seconds / 60) % 60, seconds % 60].map((n) => String(n).padStart(2, '0')).join(':');
  return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, '');
}

/** Calls back four times a second until the element that it is for has left the page. */
export function ticking(element: HTMLElement, tick: () => void): void {
  tick();
  let shown = false;
  const timer = setInterval(() => {
    shown ||= element.isConnected;
    if (shown && !element.isConnected) clearInterval(timer);
    else tick();
  }, 250);
}

/** The time that is left, as "4:59". */
export function countdown(until: number): HTMLElement {
  const element = el('bdi', { dir: 'ltr', class: 'countdown' });
  ticking(element, () => {
    const text = minutes(secondsUntil(until));
    if (element.textContent !== text) element.textContent = text;
  });
  return element;
}

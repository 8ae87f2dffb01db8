// What the text that is being typed would change, and back-tests of it, with a progress that is looked at again and again.
import { dressed, following, newest, post, show } from './trying/parts.js';
import { draw } from './charts.js';

const POLL = 1500;

function charts(element) {
  for (const box of element.querySelectorAll('[data-charts]')) {
    const found = JSON.parse(box.querySelector('script').textContent);
    for (const one of found) {
      const chart = document.createElement('div');
      chart.className = 'chart';
      chart.setAttribute('role', 'img');
      chart.setAttribute('aria-label', one.title);
      box.append(chart);
      box.hidden = false;
      draw(chart, one.options);
    }
  }
}

/** A back-test's own part: polled as long as it is computed. */
export function watch(element) {
  const look = newest(element, async (signal, isNewest) => {
    const box = element.querySelector('[data-backtest]');
    if (!box?.dataset.open || document.hidden) return;
    const answer = await fetch(box.dataset.url, { signal, headers: { 'X-Duban-Part': '1' }, credentials: 'same-origin' });
    if (!answer.ok || answer.redirected || !isNewest()) return;
    show(element, await answer.text());
    charts(element);
  });
  const timer = setInterval(() => {
    if (!element.isConnected || !element.querySelector('[data-backtest]')?.dataset.open) { clearInterval(timer); return; }
    look();
  }, POLL);
  charts(element);
}

/** `draftUrl`: /admin/trying/NUMBER/; `getText`: the text as it is typed. Call `update()` of what it gives whenever the text changes. */
export function mount(element, { draftUrl, getText }) {
  dressed(draftUrl);
  const part = following(element, { url: new URL('changes', new URL(draftUrl, location.href)).href, getText });
  element.addEventListener('submit', async event => {
    const form = event.target.closest('form[data-ask]');
    if (!form || !getText) return;
    event.preventDefault();
    event.stopPropagation();
    const answer = await post(form.action, new URLSearchParams(new FormData(form)), { text: getText() });
    if (!answer.ok && answer.status !== 422 && answer.status !== 409) return;
    show(element, await answer.text());
    part.forget();
    watch(element);
  });
  if (getText) part.now();
  return { update: part.update };
}


// Parts of pages that the server renders, fetched again for a text that is being typed; the newest question wins.

export const token = () => document.querySelector('input[name=csrf_token]')?.value ?? '';

/** The look of these parts, on pages that are not theirs. */
export function dressed(draftUrl) {
  const address = new URL('../../assets/trying.css', new URL(draftUrl, location.href));
  if ([...document.styleSheets].some(one => one.href && new URL(one.href).pathname === address.pathname)) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = address.href;
  document.head.append(link);
}

/** Post a form's fields with the text that is being typed. Encoded by hand of URLSearchParams: FormData would write line ends anew. */
export async function post(url, fields, { text, signal } = {}) {
  const body = fields instanceof URLSearchParams ? fields : new URLSearchParams(fields);
  if (!body.get('csrf_token')) body.set('csrf_token', token());
  if (text !== undefined && text !== null) body.set('text', text);
  const answer = await fetch(url, { method: 'POST', body, signal, headers: { 'X-Duban-Part': '1' }, credentials: 'same-origin' });
  // Signed out meanwhile: what comes is the page for signing in, and nothing of it belongs here.
  if (answer.redirected && answer.url.includes('/sign-in/')) throw new Error('signed out');
  return answer;
}

/** What is shown of a part: its markup is replaced, what was unfolded stays so, and so does the focus. */
export function show(element, markup) {
  const open = new Set([...element.querySelectorAll('details[id]')].map(one => `${one.id}:${one.open}`));
  const active = element.contains(document.activeElement) ? document.activeElement : null;
  const wanted = active && (active.id ? `#${CSS.escape(active.id)}` : active.name ? `[name="${CSS.escape(active.name)}"][value="${CSS.escape(active.value)}"]` : '');
  element.innerHTML = markup;
  for (const one of element.querySelectorAll('details[id]')) {
    if (open.has(`${one.id}:true`)) one.open = true; else if (open.has(`${one.id}:false`)) one.open = false;
  }
  if (wanted) element.querySelector(wanted)?.focus({ preventScroll: true });
}

/** Calls of `ask(signal)` one after the other: a newer one ends the older one, whose answer is dropped; `drop()` ends it without a newer one. */
export function newest(element, ask, failed = () => {}) {
  let running = null;
  const call = async (...args) => {
    running?.abort();
    const mine = running = new AbortController();
    element.setAttribute('aria-busy', 'true');
    try {
      await ask(mine.signal, () => running === mine, ...args);
    } catch (error) {
      if (error.name !== 'AbortError' && running === mine) failed(error);
    } finally {
      if (running === mine) { running = null; element.removeAttribute('aria-busy'); }
    }
  };
  call.drop = () => { running?.abort(); running = null; element.removeAttribute('aria-busy'); };
  return call;
}

/** Waits for a pause before it calls; `drop()`: it need not any more. */
export function later(call, pause) {
  let timer = 0;
  const soon = (...args) => { clearTimeout(timer); timer = setTimeout(() => call(...args), pause); };
  soon.drop = () => clearTimeout(timer);
  return soon;
}

/** A part that follows the text: shown once, and again whenever the text has changed and a pause was made. */
export function following(element, { url, getText, pause = 500, after = () => {} }) {
  let shown = null;
  const again = newest(element, async (signal, isNewest) => {
    const text = getText ? getText() : undefined;
    if (text !== undefined && text === shown) return;
    const answer = await post(url, {}, { text, signal });
    if (!answer.ok || !isNewest()) return;
    const markup = await answer.text();
    if (!isNewest()) return;
    shown = text;
    show(element, markup);
    after(element);
  });
  const update = later(again, pause);
  return { update, now: again, forget: () => { shown = null; } };
}

// Try it: the form is played without leaving the page; the slider goes through the states that are here already.
import { dressed, later, newest, post, show } from './trying/parts.js';

/**
 * `draftUrl`: /admin/trying/NUMBER/; `address`: where it is played (left out: the draft's trial); `getText`: the text as it is typed (left out: the draft's own); `onChange(text)`: is
 * given the text with a new example in it (left out: the server writes it into the draft). Call `update()` of what it gives whenever the text changes.
 */
export function mount(element, { draftUrl, address, getText, onChange }) {
  if (draftUrl) dressed(draftUrl);
  const url = address ?? new URL('try', new URL(draftUrl, location.href)).href;
  const form = () => element.querySelector('form[data-trial]');
  const isPlayed = () => Boolean(element.querySelector('[data-stops]'));

  const play = newest(element, async (signal, isNewest, button) => {
    // What waits to be asked is asked herewith: by itself it would end this, and a click would be lost.
    playSoon.drop();
    update.drop();
    const there = form();
    const fields = there ? new URLSearchParams(new FormData(there)) : new URLSearchParams();
    if (button?.name) fields.set(button.name, button.value);
    const asked = there !== null && (button !== undefined || isPlayed());
    const answer = asked
      ? await post(url, fields, { text: getText?.(), signal })
      : await fetch(url, { signal, headers: { 'X-Duban-Part': '1' }, credentials: 'same-origin' });
    if (!isNewest() || !(answer.ok || answer.status === 422)) return;
    const markup = await answer.text();
    if (!isNewest()) return;
    const places = [scrollX, scrollY];
    const issue = element.querySelector('.trial-issue')?.open;
    show(element, markup);
    if (issue !== undefined && button?.value !== 'here') { const box = element.querySelector('.trial-issue'); if (box) box.open = issue; }
    scrollTo(...places);
    dress();
  });
  const playSoon = later(play, 350);
  const update = later(() => {
    if (element.hasAttribute('aria-busy')) update();
    else if (isPlayed()) play({ name: 'go', value: 'stay' });
    else if (!form()) play();
  }, 500);

  // The state under the slider is here already; what can be done then is asked for after a pause.
  function scrubbed(slider) {
    const stops = [...element.querySelectorAll('.stop')];
    const chosen = stops[Number(slider.value)];
    if (!chosen) return;
    for (const stop of stops) stop.hidden = stop !== chosen;
    const cursor = element.querySelector('[data-cursor]');
    cursor?.setAttribute('x1', chosen.dataset.x);
    cursor?.setAttribute('x2', chosen.dataset.x);
    slider.setAttribute('aria-valuetext', chosen.dataset.text);
    form().elements.moment.value = chosen.dataset.iso;
    form().elements.exact.value = chosen.dataset.exact;
    element.querySelector('[data-doing]')?.classList.add('trial-waits');
    // The answer that is under way is of another moment: it would take the slider back there.
    play.drop();
    playSoon({ name: 'go', value: 'stay' });
  }

  function dress() {
    for (const slider of element.querySelectorAll('[data-scrub]')) slider.hidden = false;
  }

  async function makeExample(button) {
    const fields = new URLSearchParams(new FormData(form()));
    const answer = await post(button.formAction, fields, { text: getText() });
    const found = await answer.json();
    if (answer.ok) { onChange(found.text); say(button, button.dataset.done); } else say(button, found.problem, true);
  }

  function say(button, text, isBad = false) {
    let place = button.parentElement.querySelector('[role=status]');
    if (!place) { place = document.createElement('p'); place.setAttribute('role', 'status'); button.after(place); }
    place.className = isBad ? 'problem' : 'hint';
    place.textContent = text;
  }

  element.addEventListener('input', event => { if (event.target.matches('[data-scrub]')) scrubbed(event.target); });
  element.addEventListener('submit', event => {
    const button = event.submitter;
    if (!event.target.matches('form[data-trial]')) return;
    if (button?.dataset.example !== undefined) {
      if (getText && onChange) { event.preventDefault(); makeExample(button); }
      return;
    }
    event.preventDefault();
    play(button ?? { name: 'go', value: 'here' });
  });
  if (form()) dress(); else play();
  return { update };
}

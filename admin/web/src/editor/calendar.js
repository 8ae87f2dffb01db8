// A calendar: the hours of a day, and the year as a picture whose days can be clicked.
import { h, iconButton, idOf, keyOfPath } from './dom.js';
import { dayText, monthName, weekday } from '../language/formats.js';
import { line } from './inputs.js';
import { mapInput } from './lists.js';
import { deref } from './schema.js';
import { isObject } from './writing.js';

const CLOSED = 'closed';

// `closed`, or intervals separated by commas.
export function hoursInput(form, s, path, label) {
  const value = form.get(path);
  const read = text => (text.trim() === '' ? undefined : text.trim() === CLOSED ? CLOSED : text.split(/[,，;]\s*/).map(one => one.trim().replace(/[–—]/, '-')).filter(Boolean));
  const commit = (event, isTyping) => { const found = read(event.target.value); if (found !== undefined && JSON.stringify(found) !== JSON.stringify(form.get(path))) form.set(path, found, { isTyping }); };
  const made = line(form, path, label, { value: Array.isArray(value) ? value.join(', ') : value, read: () => form.get(path), examples: ['09:00-12:00, 13:00-18:00', CLOSED] });
  made.querySelector('input').addEventListener('change', event => commit(event, false));
  return made;
}

export function datesInput(form, s, path, label) {
  form.year ??= new Date().getFullYear();
  const picture = h('div', { class: 'ed-year', 'aria-live': 'polite' });
  const go = by => { form.year += by; form.draw(); };
  draw(form, path, picture);
  return h('div', { class: 'ed-dates' }, h('p', { class: 'hint' }, form.t('calendar_help')),
    h('div', { class: 'ed-line' }, iconButton('chevron-left', form.t('year_before'), () => go(-1), { id: idOf(path, '-before') }), h('strong', {}, form.t('calendar_year', { year: form.year })), iconButton('chevron-right', form.t('year_after'), () => go(1), { id: idOf(path, '-after') })),
    h('p', { class: 'ed-legend' }, ['open', 'closed', 'holiday', 'make_up', 'own'].map(one => h('span', { class: `ed-day-${one === 'own' ? 'own' : one}` }, form.t(`day_${one}`)))), picture, mapInput(form, s, path, label));
}

async function draw(form, path, picture) {
  const key = `${form.year}\n${form.source.text}`;
  if (form.yearDrawn?.key !== key) {
    if (form.yearDrawn) picture.append(...pictured(form, path));
    const found = await form.ask('year', form.source.text, form.year);
    if (!found) return;
    if (!found.days) { picture.replaceChildren(h('p', { class: 'nothing' }, found.message)); return; }
    form.yearDrawn = { key, days: found.days, message: found.message };
  }
  const active = document.activeElement?.id;
  picture.replaceChildren(...pictured(form, path));
  if (active && picture.isConnected) document.getElementById(active)?.focus();
}

function pictured(form, path) {
  const { days, message } = form.yearDrawn;
  return [message && h('p', { class: 'nothing' }, message), months(form, path, days)].filter(Boolean);
}

function months(form, path, days) {
  const byMonth = Map.groupBy ? Map.groupBy(days, one => one.day.slice(0, 7)) : grouped(days);
  return h('div', { class: 'ed-months' }, [...byMonth].map(([month, list]) => h('div', { class: 'ed-month', role: 'group', 'aria-label': month }, h('h3', {}, monthName(`${month}-01`)),
    h('div', { class: 'ed-days' }, Array.from({ length: (new Date(`${month}-01T00:00Z`).getUTCDay() + 6) % 7 }, () => h('span')), list.map(one => dayButton(form, path, one))))));
}

function grouped(days) {
  const found = new Map();
  for (const one of days) found.set(one.day.slice(0, 7), [...(found.get(one.day.slice(0, 7)) ?? []), one]);
  return found;
}

function dayButton(form, path, { day, hours, rule }) {
  const state = hours.length ? hours.join(', ') : form.t('day_closed');
  const why = rule === 'week' ? '' : `, ${form.t(`day_${rule}`)}`, label = `${dayText(day)}, ${weekday(day)}: ${state}${why}`;
  return h('button', { type: 'button', id: `day-${day}`, class: `ed-day ${hours.length ? 'ed-day-open' : 'ed-day-closed'}${rule === 'week' ? '' : ` ed-day-${rule}`}`, 'aria-label': label, title: label, disabled: !form.isWritable(), onclick: () => turn(form, path, day, hours, rule) }, String(Number(day.slice(8))));
}

function turn(form, path, day, hours, rule) {
  if (rule === 'own') return form.remove([...path, day], { said: form.t('removed') });
  const usual = Object.values(form.get(['hours']) ?? {}).find(one => Array.isArray(one) && one.length) ?? ['09:00-17:00'];
  const value = hours.length ? CLOSED : structuredClone(usual), dates = form.get(path);
  if (!isObject(dates)) return form.set(path, { [day]: value });
  const at = Object.keys(dates).findIndex(one => one > day);
  return form.edit({ do: 'set', path: [...path, day], value, at: at < 0 ? undefined : at });
}

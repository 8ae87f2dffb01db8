// A template as it reads on a real issue.
import { h, idOf, textButton } from './dom.js';
import { below } from './lists.js';

export function previewBelow(form, path) {
  if (path[0] !== 'templates' || path.length !== 2) return null;
  const shown = h('div', { class: 'ed-preview', role: 'status' }), id = idOf(path, '-number');
  const number = h('input', { id, class: 'form-control form-control-sm ed-short', value: form.previewNumber ?? '', onchange: event => { form.previewNumber = event.target.value; } });
  const show = async () => {
    const found = await form.ask('preview', { text: form.source.text, template: path[1], number: number.value });
    if (!found) return;
    if (found.message) { shown.replaceChildren(h('p', { class: 'problem' }, found.message)); return; }
    shown.replaceChildren(h('p', { class: 'muted small' }, form.t('preview_on', { number: found.number })), ...Object.entries(found.texts).map(([language, parts]) => h('div', { class: 'typed', lang: language },
      Object.entries(parts).map(([part, one]) => ('problem' in one ? h('p', { class: 'problem' }, one.problem) : h(part === 'subject' ? 'strong' : 'div', {}, one.text, part === 'subject' && h('br')))))));
  };
  return h('div', { class: 'ed-field' }, h('div', { class: 'ed-line' }, h('label', { for: id }, form.t('preview_number')), number, textButton(form.t('preview'), show, { id: idOf(path, '-preview') })), shown);
}

below(previewBelow);

// Deadlines and notices seen across: a row for each, a column for each severity.
import { deref, inputOf } from './schema.js';
import { h, idOf, keyOfPath, textButton } from './dom.js';
import { isObject } from './writing.js';
import { durationInput } from './inputs.js';

// A matrix of more rows than these is closed until it is asked for.
const MOST_OPEN = 40;

export function matrixOf(form, key) {
  const severities = form.names.list('severity'), rows = form.get([key]);
  if (!['clocks', 'notify'].includes(key) || severities.length < 2 || !isObject(rows) || !Object.keys(rows).length) return null;
  const made = key === 'clocks' ? clockRow : noticeRow, mark = `matrix ${key}`;
  form.open.add(Object.keys(rows).length <= MOST_OPEN && !form.open.has(`no ${mark}`) ? mark : '');
  const isOpen = form.open.has(mark), turn = () => { form.open[isOpen ? 'delete' : 'add'](mark); form.open[isOpen ? 'add' : 'delete'](`no ${mark}`); form.draw(); };
  return h('div', { class: 'ed-matrix-box' },
    h('h3', {}, h('button', { type: 'button', class: 'ed-link', id: `matrix-${key}`, 'aria-expanded': String(isOpen), onclick: turn }, h('i', { class: `fa fa-caret-${isOpen ? 'down' : 'right'}`, 'aria-hidden': 'true' }), ` ${form.t(key === 'clocks' ? 'matrix_clocks' : 'matrix_notify')}`)),
    isOpen && h('div', { class: 'table-box ed-table-box' }, h('table', { class: 'table list ed-table ed-matrix' }, h('caption', { class: 'sr-only' }, form.t(key === 'clocks' ? 'matrix_clocks' : 'matrix_notify')),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, deref(form.root, form.root.properties[key]).title), severities.map(one => h('th', { scope: 'col' }, one.name, one.title !== one.name && h('span', { class: 'muted small' }, ` ${one.title}`))))),
      h('tbody', {}, Object.keys(rows).map(name => made(form, name, severities))))));
}

function head(form, key, name) {
  const title = form.names.titleOf(form.get([key, name, 'title']), name);
  return h('th', { scope: 'row' }, h('button', { type: 'button', class: 'ed-link', id: idOf([key, name], '-row'), onclick: () => form.reveal([key, name]) }, title));
}

function clockRow(form, name, severities) {
  const part = form.get(['clocks', name, 'within']) !== undefined ? 'within' : 'every', path = ['clocks', name, part], value = form.get(path);
  const label = severity => form.t('cell', { row: form.names.titleOf(form.get(['clocks', name, 'title']), name), column: severity });
  const schema = deref(form.root, { $ref: `#/$defs/${part === 'within' ? 'due' : 'duration'}` });
  if (isObject(value) && !Array.isArray(value)) return h('tr', {}, head(form, 'clocks', name), severities.map(one => h('td', { 'data-label': one.title }, durationInput(form, schema, [...path, one.name], label(one.name), { placeholder: form.t('no_deadline') }), form.problems([...path, one.name]))));
  const all = { colspan: String(severities.length) };
  if (Array.isArray(value)) return h('tr', {}, head(form, 'clocks', name), h('td', all, h('span', { class: 'muted' }, form.t('by_condition'), ' ', value.map(one => one?.is).filter(Boolean).join(form.t('list')))));
  const vary = () => form.set(path, Object.fromEntries(severities.map(one => [one.name, value ?? '1d'])));
  return h('tr', {}, head(form, 'clocks', name), h('td', all, h('div', { class: 'ed-line' }, h('span', { class: 'muted' }, form.t('same_for_all')), value !== undefined && withOtherId(durationInput(form, schema, path, form.t('cell_all', { row: form.names.titleOf(form.get(['clocks', name, 'title']), name) }))), form.isWritable() && textButton(form.t('vary'), vary, { id: idOf(path, '-vary') }))));
}

// The same value has its input in the clock's own card, too.
function withOtherId(element) {
  for (const one of [element, ...element.querySelectorAll('[id]')]) if (one.id) one.id = `m-${one.id}`;
  for (const one of element.querySelectorAll('[list]')) one.setAttribute('list', `m-${one.getAttribute('list')}`);
  return element;
}

function noticeRow(form, name, severities) {
  const title = form.names.titleOf(form.get(['notify', name, 'title']), name);
  const path = ['notify', name, 'steps'], value = form.get(path), isEach = isObject(value) && !Array.isArray(value);
  const vary = () => { form.cell = [...path, severities[0].name]; form.set(path, Object.fromEntries(severities.map(one => [one.name, structuredClone(value ?? [])]))); };
  const unify = () => { form.cell = path; form.set(path, structuredClone(Object.values(value)[0])); };
  const cells = isEach
    ? severities.map(one => cell(form, [...path, one.name], value[one.name], form.t('cell', { row: title, column: one.name }), one.title))
    : [h('td', { colspan: String(severities.length), 'data-label': form.t('same_for_all') }, cellBody(form, path, value, form.t('cell_all', { row: title })))];
  const editing = form.cell && form.cell.slice(0, 3).every((step, i) => step === path[i]) && form.schemaAt(form.cell);
  const made = [h('tr', {}, head(form, 'notify', name), cells)], edited = editing && (isEach ? form.t('cell', { row: title, column: form.cell.at(-1) }) : form.t('cell_all', { row: title }));
  if (editing) made.push(h('tr', { class: 'ed-cell-editor' }, h('td', { colspan: String(severities.length + 1) }, h('div', { class: 'ed-line' }, h('strong', {}, edited), form.isWritable() && (isEach ? textButton(form.t('unify'), unify, { id: idOf(path, '-unify') }) : textButton(form.t('vary'), vary, { id: idOf(path, '-vary') })), textButton(form.t('close'), () => { form.cell = null; form.draw(); }, { id: idOf(path, '-done') })), stepsInput(form, form.cell, edited))));
  return made;
}

function stepsInput(form, path, label) {
  const schema = form.schemaAt(path), s = deref(form.root, schema), list = s.oneOf ? deref(form.root, s.oneOf[0]) : s;
  return inputOf(form.root, list) === 'list' ? form.input(list, path, label) : form.input(schema, path, label);
}

function cell(form, path, steps, label, title) {
  return h('td', { 'data-label': title }, cellBody(form, path, steps, label));
}

function cellBody(form, path, steps, label) {
  const isOpen = keyOfPath(form.cell ?? []) === keyOfPath(path);
  const open = () => { form.cell = isOpen ? null : path; if (form.cell && form.get(path) === undefined) form.set(path, [{ via: form.names.list('channel')[0]?.name ?? 'email', to: 'owner' }]); else form.draw(); };
  const lines = (Array.isArray(steps) ? steps : []).map(step => h('span', { class: 'ed-step' }, h('b', {}, [].concat(step?.via ?? []).map(one => form.names.title('channel', one)).join(form.t('list'))), ' → ', [].concat(step?.to ?? []).map(who => form.names.title('who', who)).join(form.t('list')), step?.wait && ` ⏱ ${step.wait}`));
  return h('button', { type: 'button', class: 'ed-cell', id: idOf(path, '-cell'), 'aria-expanded': String(isOpen), 'aria-label': `${label}: ${lines.map(one => one.textContent).join(' ') || form.t('none')}`, onclick: open }, lines.length ? lines.flatMap(one => [one, ' ']) : h('span', { class: 'muted' }, '＋'));
}

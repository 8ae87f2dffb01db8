// A look-up table of two fields as a matrix: a row for each value of the first, a column for each of the second.
import { deref } from './schema.js';
import { h, iconButton, idOf, textButton } from './dom.js';
import { chooser, valueInput } from './inputs.js';
import { isObject } from './writing.js';

// The two fields of the table at the path; null: its rows have not exactly one level below them.
export function fieldsOf(form, path) {
  if (path[0] !== 'classify' || path[2] !== 'table') return null;
  const from = form.get([...path.slice(0, 2), 'from']), left = Array.isArray(from) ? from.slice(path.length - 3) : [];
  return left.length === 2 ? left : null;
}

export function lookupInput(form, s, path, label) {
  const fields = fieldsOf(form, path), table = form.get(path), rows = isObject(table) ? Object.keys(table) : [];
  const titles = fields.map(name => form.names.title('field', name));
  const values = fields.map(name => valuesOf(form, name));
  const columns = inOrder([...new Set(rows.flatMap(row => (isObject(table[row]) ? Object.keys(table[row]) : [])))], values[1]);
  const scalar = deref(form.root, deref(form.root, s.additionalProperties).oneOf[0]);
  const titleOf = (i, name) => values[i].find(one => one.name === name)?.title ?? name;
  const cell = (row, column) => h('td', { 'data-label': titleOf(1, column) }, valueInput(form, scalar, [...path, row, column], form.t('lookup_cell', { row: titleOf(0, row), column: titleOf(1, column) })), form.problems([...path, row, column]));
  const whole = row => h('td', { colspan: String(Math.max(columns.length, 1)) }, valueInput(form, scalar, [...path, row], titleOf(0, row)));
  // The first value of a new row or column stands until another is chosen: a row without any says nothing.
  const first = () => form.names.list('severity')[0]?.name ?? '';
  const some = path[1] === 'severity' ? first() : '';
  const addRow = name => form.set([...path, name], { [columns[0] ?? values[1][0]?.name ?? 'x']: some }, { said: form.t('added') });
  const addColumn = name => form.editAll(rows.filter(row => isObject(table[row])).map(row => ({ do: 'set', path: [...path, row, name], value: some })), { said: form.t('added') });
  const takeColumn = name => form.editAll(rows.filter(row => isObject(table[row]) && name in table[row]).map(row => ({ do: 'delete', path: [...path, row, name] })), { said: form.t('removed') });
  const canWrite = form.isWritable();
  const columnTitle = column => form.t('remove_one', { what: `${titles[1]}: ${titleOf(1, column)}` });
  return h('div', { class: 'ed-many' }, rows.length > 0 && h('div', { class: 'table-box ed-table-box' }, h('table', { class: 'table list ed-table ed-matrix ed-lookup' }, h('caption', { class: 'sr-only' }, label),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, `${titles[0]} \\ ${titles[1]}`), columns.map(column => h('th', { scope: 'col' }, titleOf(1, column), ' ',
      canWrite && columns.length > 1 && iconButton('trash-o', columnTitle(column), () => takeColumn(column), { id: idOf([...path, column], '-column-remove') }))), canWrite && h('td'))),
    h('tbody', {}, rows.map(row => h('tr', {}, h('th', { scope: 'row' }, titleOf(0, row), form.problems([...path, row])), isObject(table[row]) ? columns.map(column => cell(row, column)) : whole(row),
      canWrite && h('td', { class: 'ed-tools' }, rows.length > 1 && iconButton('trash-o', form.t('remove_one', { what: `${titles[0]}: ${titleOf(0, row)}` }), () => form.edit({ do: 'delete', path: [...path, row] }, { said: form.t('removed') }), { id: idOf([...path, row], '-remove') }))))))),
  // Where the head of the table is folded away, its columns are removed below it.
  canWrite && columns.length > 1 && h('div', { class: 'ed-line ed-narrow' }, columns.map(column => textButton(columnTitle(column), () => takeColumn(column), { id: idOf([...path, column], '-column-remove-below') }))),
  canWrite && h('div', { class: 'ed-line' }, adding(form, path, '-row', titles[0], values[0], rows, addRow), adding(form, path, '-column', titles[1], values[1], columns, addColumn)));
}

// What a field may hold: the values that a table is for, as far as they are known.
function valuesOf(form, name) {
  if (name === 'severity') return form.names.list('severity');
  const field = form.get(['fields', name]), table = form.get(['classify', name]);
  if (field?.type === 'boolean') return ['true', 'false'].map(one => ({ name: one, title: one }));
  if (isObject(field?.options)) return Object.entries(field.options).map(([key, title]) => ({ name: key, title: form.names.titleOf(title, key) }));
  const given = Array.isArray(table) ? table.map(rule => rule?.is) : leaves(table?.table).concat(table?.else ?? []);
  return [...new Set(given.filter(one => one !== undefined && one !== null && one !== '').map(String))].map(one => ({ name: one, title: one }));
}

const leaves = value => (isObject(value) ? Object.values(value).flatMap(leaves) : [value]);

function inOrder(names, values) {
  const place = name => { const i = values.findIndex(one => one.name === name); return i < 0 ? values.length : i; };
  return names.map((name, i) => [place(name), i, name]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(one => one[2]);
}

// A further row or column: chosen where the field's values are known, else typed.
function adding(form, path, end, title, values, there, add) {
  const label = form.t('add_one', { what: title }), id = idOf(path, `${end}-add`), left = values.filter(one => !there.includes(one.name));
  const take = name => name && !there.includes(name) && add(name);
  if (values.length) return left.length > 0 && chooser(form, path, label, { value: undefined, options: left, choose: take, id, nothing: `＋ ${label}` });
  return h('input', { class: 'form-control form-control-sm ed-short', id, placeholder: `＋ ${label}`, 'aria-label': label, onchange: event => take(event.target.value.trim()) });
}

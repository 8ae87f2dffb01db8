// What holds several things: the keys of an object, the named members of a map, the items of a list.
import Sortable from 'sortablejs';
import { deref, goesWith, inner, inputOf } from './schema.js';
import { h, iconButton, idOf, keyOfPath, textButton } from './dom.js';
import { isObject } from './writing.js';

const SIMPLE = ['boolean', 'choice', 'number', 'string', 'duration', 'name', 'text', 'value', 'constant', 'several'];
const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;

// -- an object: what is there, and what could be added ------------------------------------------------------------------

export function objectInput(form, s, path) {
  const value = form.get(path) ?? {}, required = s.required ?? [], keys = Object.keys(s.properties);
  const isShown = key => key in value || required.includes(key) || (keys.length <= 4 && SIMPLE.includes(inputOf(form.root, s.properties[key])));
  const shown = keys.filter(key => isShown(key) && (key in value || goesWith(s, key, value)));
  const others = keys.filter(key => !shown.includes(key) && goesWith(s, key, value));
  return h('div', { class: 'ed-object', 'data-path': keyOfPath(path) },
    h('div', { class: 'ed-fields' }, shown.map(key => form.row(s.properties[key], [...path, key], required.includes(key), key in value && !required.includes(key)))),
    others.length > 0 && form.isWritable() && h('select', { id: idOf(path, '-more'), class: 'form-control form-control-sm custom-select ed-more', 'aria-label': form.t('add_part'), onchange: event => event.target.value && begin(form, s, path, event.target.value) },
      h('option', { value: '' }, form.t('add_part')), others.map(key => h('option', { value: key }, deref(form.root, s.properties[key]).title ?? key))));
}

function begin(form, s, path, key) {
  form.open.add(keyOfPath([...path, key]));
  form.set([...path, key], form.blank(s.properties[key]), { said: form.t('added') });
  document.getElementById(idOf([...path, key]))?.focus();
}

// -- maps and lists -----------------------------------------------------------------------------------------------------

export function mapInput(form, s, path, label) {
  const value = form.get(path), keys = isObject(value) ? Object.keys(value) : [];
  const schemaOf = key => s.properties?.[key] ?? s.additionalProperties ?? {};
  const items = keys.map((key, i) => ({ key, i, path: [...path, key], schema: schemaOf(key), title: titleOf(form, value[key], nameIn(form, path, key)) }));
  return h('div', { class: 'ed-many' }, body(form, path, items, deref(form.root, schemaOf('\u0000')), label, s), adding(form, s, path, keys, label));
}

// What is judged has the title of the fact that it sets.
const nameIn = (form, path, key) => (path.join() === 'classify' ? form.names.fields()[key]?.title ?? key : key);

export function listInput(form, s, path, label) {
  const value = form.get(path), list = Array.isArray(value) ? value : [];
  const items = list.map((one, i) => ({ key: null, i, path: [...path, i], schema: s.items, title: titleOf(form, one, `${i + 1}`) }));
  const item = deref(form.root, s.items), add = () => {
    form.open.add(keyOfPath([...path, list.length]));
    if (value === undefined) form.set(path, [form.blank(item)], { said: form.t('added') });
    else form.edit({ do: 'insert', path, at: list.length, value: form.blank(item) }, { said: form.t('added') });
  };
  return h('div', { class: 'ed-many' }, item.properties?.is && h('p', { class: 'hint' }, form.t('first_match')), body(form, path, items, item, label),
    form.isWritable() && textButton(`＋ ${form.t('add_one', { what: item.title ?? form.t(item.properties?.is ? 'row' : 'one') })}`, add, { id: idOf(path, '-add') }));
}

// A table where the items have a few simple parts, else a card for each.
function body(form, path, items, item, label, map = null) {
  if (!items.length) return h('p', { class: 'nothing' }, form.t('nothing_here'));
  const columns = item.properties && !item.oneOf ? Object.keys(item.properties) : null;
  const isFlat = key => SIMPLE.includes(inputOf(form.root, item.properties[key])) || inputOf(form.root, item.properties[key]) === 'condition';
  if (columns ? columns.length <= 3 && columns.every(isFlat) : !['union', 'object', 'map', 'list'].includes(inputOf(form.root, item))) return table(form, path, items, item, columns, label, map);
  const made = h('ol', { class: 'ed-cards', 'aria-label': label }, items.map(one => card(form, path, one, items.length, map)));
  sortable(form, made, path);
  return made;
}

function table(form, path, items, item, columns, label, map) {
  const heads = columns ? columns.map(key => deref(form.root, item.properties[key])) : [{ title: form.t('value') }];
  const rows = h('tbody', {}, items.map(one => h('tr', { 'data-path': keyOfPath(one.path) },
    form.isWritable() && h('td', { class: 'ed-grip', title: form.t('drag'), 'aria-hidden': 'true' }, '⋮⋮'),
    h('td', { class: map ? 'ed-key' : 'ed-place', 'data-label': map ? form.t('name') : '' }, map ? nameOf(form, one, map) : String(one.i + 1), form.problems(one.path)),
    columns ? columns.map((key, i) => h('td', { 'data-label': heads[i].title ?? key, class: `ed-cell-${inputOf(form.root, item.properties[key])}` }, form.input(item.properties[key], [...one.path, key], `${heads[i].title ?? key}: ${one.title}`), form.problems([...one.path, key])))
      : h('td', { 'data-label': form.t('value') }, form.input(one.schema, one.path, one.title)),
    form.isWritable() && h('td', { class: 'ed-tools' }, tools(form, path, one, items.length)))));
  sortable(form, rows, path);
  return h('div', { class: 'table-box ed-table-box' }, h('table', { class: 'table list ed-table' }, h('caption', { class: 'sr-only' }, label),
    h('thead', {}, h('tr', {}, form.isWritable() && h('td', { class: 'ed-grip' }), h('th', { scope: 'col' }, map ? form.t('name') : form.t('row')), heads.map(head => h('th', { scope: 'col', title: head.description }, head.title ?? '')), form.isWritable() && h('td'))), rows));
}

function card(form, path, one, count, map) {
  const key = keyOfPath(one.path), isOpen = form.open.has(key), wrong = form.wrongWithin(one.path);
  const toggle = h('button', { type: 'button', id: idOf(one.path, '-open'), class: 'ed-toggle', 'aria-expanded': String(isOpen), onclick: () => { form.open[isOpen ? 'delete' : 'add'](key); form.draw(); } },
    h('i', { class: `fa fa-caret-${isOpen ? 'down' : 'right'}`, 'aria-hidden': 'true' }), h('strong', {}, one.title), one.key && one.key !== one.title && h('code', {}, one.key), h('span', { class: 'ed-summary' }, summary(form, one)));
  return h('li', { class: `ed-card${isOpen ? ' is-open' : ''}`, 'data-path': key }, h('div', { class: 'ed-card-head' },
    form.isWritable() && h('span', { class: 'ed-grip', title: form.t('drag'), 'aria-hidden': 'true' }, '⋮⋮'), toggle,
    wrong.length > 0 && h('span', { class: `tag tag-${wrong.some(each => each.level === 'error') ? 'bad' : 'warn'}` }, String(wrong.length), h('span', { class: 'sr-only' }, ` ${form.t('findings')}`)),
    form.isWritable() && h('span', { class: 'ed-tools' }, tools(form, path, one, count))), form.problems(one.path),
  isOpen && h('div', { class: 'ed-card-body' }, map && h('div', { class: 'ed-field' }, h('span', { class: 'ed-label' }, form.t('name')), nameOf(form, one, map)), form.input(one.schema, one.path, one.title), previewOf(form, one.path)));
}

let previewOf = () => null;
// Templates have more below them than their own parts.
export const below = made => { previewOf = made; };

function titleOf(form, value, otherwise) {
  if (!isObject(value) || Array.isArray(value)) return otherwise;
  return form.names.titleOf(value.title ?? value.label ?? value.name, otherwise) || otherwise;
}

// What a closed card says of what is in it, in the words of the form.
function summary(form, { path, schema }) {
  const value = form.get(path);
  if (!isObject(value)) return value === undefined ? '' : String(value);
  const parts = [];
  for (const [key, one] of Object.entries(value)) {
    if (['title', 'label', 'name'].includes(key)) continue;
    const part = inner(form.root, schema, key) ?? form.schemaAt([...path, key]) ?? {}, title = deref(form.root, part).title ?? key, kind = kindOfNames(form.root, part);
    const named = each => (kind && typeof each === 'string' ? form.names.title(kind, each) : labelOf(form, part, each));
    const text = isObject(one) ? (Array.isArray(one) && one.every(each => !isObject(each)) ? one.map(named).join(form.t('list')) : key === 'within' || key === 'every' ? Object.entries(one).map(([name, each]) => (isObject(each) ? '' : `${name} ${each}`)).filter(Boolean).join(form.t('list')) : '') : one === true ? key : named(one);
    if (text) parts.push(one === true ? title : form.t('pair', { name: title, value: text }));
  }
  return parts.join(' · ').slice(0, 140);
}

const labelOf = (form, schema, value) => deref(form.root, schema)['x-labels']?.[value] ?? String(value);

// Names of what stand in a value, be it one of them or a list.
function kindOfNames(root, schema) {
  const s = deref(root, schema), one = s['x-names'] ?? deref(root, s.items)['x-names'];
  return one ?? (s.oneOf ?? []).map(each => deref(root, each)['x-names']).find(Boolean);
}

// -- names, order, taking away ------------------------------------------------------------------------------------------

function nameOf(form, one, map) {
  if (!form.isWritable() || map.properties?.[one.key]) return h('code', {}, one.key);
  const options = namesAllowed(form, map);
  const rename = event => {
    const name = event.target.value.trim(), taken = name !== one.key && form.get([...one.path.slice(0, -1), name]) !== undefined;
    if (name === one.key) return;
    if (!isName(form, map, name) || taken) { event.target.value = one.key; form.say(form.t(taken ? 'name_taken' : 'name_form')); return; }
    const from = keyOfPath(one.path), to = [...one.path.slice(0, -1), name];
    if (form.open.has(from)) form.open.add(keyOfPath(to));
    form.renamed = [idOf(one.path), idOf(to)];
    form.edit({ do: 'rename', path: one.path, key: name });
  };
  return h('input', { id: idOf(one.path, '-name'), class: 'form-control form-control-sm ed-name', value: one.key, 'aria-label': form.t('rename', { what: one.title }), list: options.length ? idOf(one.path, '-names') : null, spellcheck: 'false', autocomplete: 'off', onchange: rename });
}

const namesAllowed = (form, map) => { const s = deref(form.root, map.propertyNames ?? {}); return s['x-names'] ? form.names.list(s['x-names']) : s.enum ? s.enum.map(name => ({ name, title: name })) : []; };

function isName(form, map, name) {
  const s = deref(form.root, map.propertyNames ?? {});
  return name !== '' && (!s.pattern || new RegExp(s.pattern, 'u').test(name)) && (!s.maxLength || name.length <= s.maxLength);
}

function adding(form, s, path, keys, label) {
  if (!form.isWritable()) return null;
  const known = [...namesAllowed(form, s), ...Object.entries(s.properties ?? {}).map(([name, one]) => ({ name, title: deref(form.root, one).title ?? name }))].filter(one => !keys.includes(one.name));
  const id = idOf(path, '-new'), input = h('input', { id, class: 'form-control form-control-sm ed-name', 'aria-label': `${form.t('new_name')}: ${label}`, placeholder: form.t('new_name'), list: known.length ? `${id}-names` : null, spellcheck: 'false', autocomplete: 'off', onkeydown: event => { if (event.key === 'Enter') { event.preventDefault(); add(); } } });
  const add = () => {
    const name = input.value.trim(), problem = keys.includes(name) ? 'name_taken' : isName(form, s, name) ? '' : 'name_form';
    warn.textContent = problem ? form.t(problem) : '';
    input.setAttribute('aria-invalid', String(Boolean(problem)));
    if (problem) { input.focus(); return; }
    const made = [...path, name], value = form.blank(s.properties?.[name] ?? s.additionalProperties ?? {});
    form.open.add(keyOfPath(made));
    const at = form.get(path) === undefined ? undefined : keys.length;
    if (at === undefined) form.set(path, { [name]: value }, { said: form.t('added') });
    else form.edit({ do: 'set', path: made, value, at }, { said: form.t('added') });
    (document.getElementById(idOf(made, '-open')) ?? document.getElementById(idOf(made, '-name')))?.focus();
  };
  const warn = h('p', { class: 'problem', role: 'alert' });
  return h('div', { class: 'ed-adding' }, input, known.length > 0 && h('datalist', { id: `${id}-names` }, known.map(one => h('option', { value: one.name }, one.title))), textButton(`＋ ${form.t('add')}`, add, { id: idOf(path, '-add') }), warn);
}

function tools(form, path, one, count) {
  const move = (to, end) => {
    form.edit({ do: 'move', path, from: one.i, to }, { said: form.t('moved', { what: one.title, number: to + 1 }) });
    const after = one.key === null ? [...path, to] : one.path;
    (document.getElementById(idOf(after, end)) ?? document.getElementById(idOf(after, '-remove')))?.focus();
  };
  return [
    one.i > 0 && iconButton('arrow-up', form.t('up_one', { what: one.title }), () => move(one.i - 1, '-up'), { id: idOf(one.path, '-up') }),
    one.i < count - 1 && iconButton('arrow-down', form.t('down_one', { what: one.title }), () => move(one.i + 1, '-down'), { id: idOf(one.path, '-down') }),
    iconButton('clone', form.t('duplicate_one', { what: one.title }), () => duplicate(form, path, one), { id: idOf(one.path, '-copy') }),
    iconButton('trash-o', form.t('remove_one', { what: one.title }), () => form.edit({ do: 'delete', path: one.path }, { said: form.t('removed') }), { id: idOf(one.path, '-remove') }),
  ];
}

function duplicate(form, path, one) {
  const value = structuredClone(form.get(one.path));
  if (one.key === null) return form.edit({ do: 'insert', path, at: one.i + 1, value }, { said: form.t('added') });
  let name = `${one.key}_2`;
  for (let n = 3; form.get([...path, name]) !== undefined; n++) name = `${one.key}_${n}`;
  if (!NAME.test(name)) name = `${one.key}2`;
  return form.edit({ do: 'set', path: [...path, name], value, at: one.i + 1 }, { said: form.t('added') });
}

function sortable(form, element, path) {
  if (!form.isWritable()) return;
  const before = () => [...element.children];
  let order = before();
  Sortable.create(element, {
    handle: '.ed-grip', animation: 120, draggable: '[data-path]', onStart: () => { order = before(); },
    onEnd: event => {
      if (event.oldIndex === event.newIndex) return;
      element.replaceChildren(...order);
      form.edit({ do: 'move', path, from: event.oldDraggableIndex, to: event.newDraggableIndex });
    },
  });
}

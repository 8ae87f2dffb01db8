// One input for each kind of node. Each is `(form, schema, path, label) => element`; an element with `data-labelled` names the
// input inside it that the label belongs to.
import { branchOf, deref, inputOf } from './schema.js';
import { h, iconButton, idOf, later, textButton } from './dom.js';
import { conditionInput } from './conditions.js';
import { datesInput, hoursInput } from './calendar.js';
import { listInput, mapInput, objectInput } from './lists.js';
import { fieldsOf, lookupInput } from './lookup.js';
import { isObject } from './writing.js';

const FIELD = 'form-control form-control-sm', SLOW = 80;

// A line of text. `read` makes its value: undefined takes it away.
export function line(form, path, label, { value, read = text => (text === '' ? undefined : text), examples, rows, ...more }) {
  const id = idOf(path), list = examples?.length ? h('datalist', { id: `${id}-examples` }, examples.map(one => h('option', { value: one }))) : null;
  const commit = (event, isTyping) => {
    const found = read(event.target.value, form.get(path));
    if (found !== form.get(path)) form.set(path, found, { isTyping });
  };
  // In a part so large that an edit is felt, a pause in typing is waited for.
  const soon = later(event => { if (made.isConnected) { made.isWaiting = false; commit(event, true); } }, 400);
  const made = h(rows ? 'textarea' : 'input', {
    id, class: FIELD, rows, type: rows ? null : 'text', 'aria-label': label, value: value === undefined || value === null ? '' : String(value), spellcheck: 'false', autocomplete: 'off',
    list: list && list.id, oninput: event => { made.isWaiting = form.cost > SLOW; if (made.isWaiting) soon(event); else commit(event, true); }, onchange: event => { soon.stop(); made.isWaiting = false; commit(event, false); form.redraw.stop(); form.draw(); }, ...more,
  });
  return list ? h('span', { class: 'ed-with', 'data-labelled': id }, made, list) : made;
}

const stringInput = (form, s, path, label) => line(form, path, label, { value: form.get(path), examples: s.examples });

function numberInput(form, s, path, label) {
  const read = (text, before) => (text.trim() === '' ? undefined : Number.isFinite(Number(text)) ? Number(text) : before);
  return line(form, path, label, { value: form.get(path) ?? '', read, inputmode: 'decimal', class: `${FIELD} ed-number`, placeholder: s.default ?? '' });
}

export function durationInput(form, s, path, label, more = {}) {
  const value = form.get(path), input = line(form, path, label, { value, examples: s.examples, class: `${FIELD} ed-duration`, ...more });
  return h('span', { class: 'ed-with', 'data-labelled': idOf(path) }, input, form.example(value, path));
}

function booleanInput(form, s, path, label) {
  const value = form.get(path);
  return h('input', { type: 'checkbox', id: idOf(path), 'aria-label': label, checked: value === true, onchange: event => form.set(path, event.target.checked || (value !== undefined && s.default === undefined) ? event.target.checked : undefined) });
}

// Words to choose from: `options` are {name, title}; what is not among them stays, marked.
export function chooser(form, path, label, { value, options, isRequired = false, choose, id = idOf(path), isTitleOnly = false, nothing = form.t('none') }) {
  const isKnown = options.some(one => one.name === value);
  const select = h('select', { id, class: `${FIELD} custom-select`, 'aria-label': label, onchange: event => event.target.value !== '\u0000' && choose(event.target.value === '' ? undefined : event.target.value) },
    (!isRequired || value === undefined) && h('option', { value: '' }, nothing),
    value !== undefined && value !== '' && !isKnown && h('option', { value: String(value), selected: true }, `⚠ ${form.t('unknown_here', { name: String(value) })}`),
    options.map(one => h('option', { value: one.name, selected: one.name === value }, isTitleOnly || one.title === one.name || !one.title ? one.title || one.name : `${one.title} (${one.name})`)));
  return select;
}

const choiceInput = (form, s, path, label) => chooser(form, path, label, {
  value: form.get(path), options: s.enum.map(one => ({ name: one, title: s['x-labels']?.[one] ?? one })), isTitleOnly: Boolean(s['x-labels']), isRequired: isRequired(form, path), choose: value => form.set(path, value),
});

export function isRequired(form, path) {
  return (deref(form.root, form.schemaAt(path.slice(0, -1)) ?? {}).required ?? []).includes(path.at(-1));
}

function nameInput(form, s, path, label) {
  const value = form.get(path), options = namesFor(form, s);
  if (options.length) {
    const select = chooser(form, path, label, { value, options, choose: found => form.set(path, found) });
    const other = h('input', { class: FIELD, id: idOf(path, '-other'), 'aria-label': `${label}: ${form.t('other')}`, placeholder: form.t('other'), onchange: event => event.target.value && form.set(path, event.target.value) });
    return isOpenEnded(s) ? h('span', { class: 'ed-with', 'data-labelled': idOf(path) }, select, other) : select;
  }
  return stringInput(form, s, path, label);
}

const isOpenEnded = s => s['x-names'] === 'event' || s['x-names'] === 'who';

export function namesFor(form, s) {
  const found = form.names.list(s['x-names'] ?? '');
  if (s['x-word'] === 'assignee') return [{ name: 'route', title: form.t('by_rules') }, ...found];
  if (s['x-word'] === 'route_target') return [...found, ...form.names.list('field').map(one => ({ name: `field:${one.name}`, title: one.title }))];
  if (s['x-word'] === 'field_reference') return form.names.list('field').map(one => ({ name: `field:${one.name}`, title: one.title }));
  return found;
}

// One name or several: written as one while it is one.
function severalInput(form, s, path, label) {
  const one = deref(form.root, s.oneOf[0]), value = form.get(path), list = value === undefined ? [] : [].concat(value);
  const isList = Array.isArray(value), options = one['x-names'] ? namesFor(form, one) : [];
  const title = name => options.find(option => option.name === name)?.title ?? String(name);
  const isKnown = name => !options.length || options.some(option => option.name === name) || isOpenEnded(one);
  const take = i => (isList ? (list.length === 2 ? form.set(path, list[1 - i]) : form.remove([...path, i])) : form.remove(path));
  const add = name => {
    if (!name || list.includes(name)) return;
    if (!list.length) form.set(path, name);
    else if (isList) form.edit({ do: 'insert', path, at: list.length, value: name });
    else form.set(path, [...list, name]);
  };
  const move = (from, to) => isList && form.edit({ do: 'move', path, from, to }, { said: form.t('moved', { what: title(list[from]), number: to + 1 }) });
  return h('div', { class: 'ed-chips' }, h('ul', { 'aria-label': label }, list.map((name, i) => h('li', { class: `ed-chip${isKnown(name) ? '' : ' is-unknown'}`, title: isKnown(name) ? String(name) : form.t('unknown_here', { name }) },
    i > 0 && iconButton('angle-left', form.t('up_one', { what: title(name) }), () => move(i, i - 1), { id: idOf([...path, i], '-up') }), title(name),
    iconButton('times', form.t('remove_one', { what: title(name) }), () => take(i), { id: idOf([...path, i], '-x') }), form.problems([...path, i])))),
  options.length ? chooser(form, path, `${form.t('add')}: ${label}`, { value: undefined, options: options.filter(option => !list.includes(option.name)), choose: add, id: idOf(path, '-add'), nothing: `＋ ${form.t('add')}` }) : null,
  (!options.length || isOpenEnded(one)) && h('input', { class: `${FIELD} ed-short`, id: idOf(path, '-other'), placeholder: form.t('other'), 'aria-label': `${label}: ${form.t('other')}`, onchange: event => { add(event.target.value.trim()); } }));
}

// A value of any simple type: numbers and yes/no are read as such, lists by commas.
export function valueInput(form, s, path, label) {
  const options = decided(form, path), value = form.get(path);
  if (options && (value === undefined || typeof value === 'string')) return chooser(form, path, label, { value, options, isRequired: isRequired(form, path), choose: found => form.set(path, found) });
  const allowed = [].concat(s.type ?? ['string', 'number', 'boolean', 'array', 'null']);
  return line(form, path, label, { value: shownValue(value), read: text => readValue(text, allowed), title: form.t('value_help'), class: `${FIELD} ed-value` });
}

// What `classify.severity` decides is a severity.
function decided(form, path) {
  if (path[0] !== 'classify' || path[1] !== 'severity' || path.length < 4) return null;
  return ['is', 'else'].includes(path.at(-1)) || path[2] === 'table' ? form.names.list('severity') : null;
}

export const shownValue = value => (value === undefined ? '' : Array.isArray(value) ? value.map(shownValue).join(', ') : value === null ? 'null' : typeof value === 'string' && /^(true|false|null|[-+.\d].*)$/.test(value) && value.trim() !== '' && typeof readValue(value) !== 'string' ? `"${value}"` : String(value));

export function readValue(text, allowed = ['string', 'number', 'boolean']) {
  if (text === '') return undefined;
  if (/^".*"$/.test(text)) return text.slice(1, -1);
  if (allowed.includes('array') && text.includes(',')) return text.split(/,\s*/).filter(Boolean).map(one => readValue(one));
  if (allowed.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  if (allowed.includes('null') && text === 'null') return null;
  if ((allowed.includes('number') || allowed.includes('integer')) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

// A text for people: one for all languages, or one for each.
function textInput(form, s, path, label) {
  const value = form.get(path), rows = ['body', 'description'].includes(path.at(-1)) || String(value?.zh ?? value ?? '').includes('\n') ? 5 : null;
  const each = isObject(value) ? Object.keys(value) : ['zh', 'en'], titles = deref(form.root, s.oneOf[1]).properties ?? {};
  if (typeof value === 'string' || (value === undefined && !isRequired(form, path) && form.get(path.slice(0, -1)) === undefined)) {
    return h('div', { class: 'ed-text' }, line(form, path, label, { value, rows }), typeof value === 'string' && textButton(form.t('language_each'), () => form.set(path, { [form.language]: value }), { id: idOf(path, '-each') }));
  }
  const languages = [...new Set(['zh', 'en', ...each])];
  return h('div', { class: 'ed-text' }, languages.map(language => h('div', { class: 'ed-language' },
    h('label', { for: idOf([...path, language]), title: titles[language]?.title ?? language }, language), line(form, [...path, language], `${label}, ${titles[language]?.title ?? language}`, { value: value?.[language], rows, lang: language === 'zh' ? 'zh-CN' : language }))));
}

// One of several ways of writing: which one, and the input of that.
function unionInput(form, s, path, label) {
  const value = form.get(path), at = Math.max(0, branchOf(form.root, s, value)), list = s.oneOf.map(one => deref(form.root, one));
  const pick = h('select', { id: idOf(path, '-way'), class: `${FIELD} custom-select ed-way`, 'aria-label': form.t('kind_of', { what: label }), onchange: event => turn(form, s, path, list[Number(event.target.value)], value) },
    value === undefined && h('option', { value: '', selected: true }, form.t('not_set')), list.map((one, i) => h('option', { value: String(i), selected: value !== undefined && i === at }, one.title ?? inputOf(form.root, one))));
  return h('div', { class: 'ed-union' }, pick, value !== undefined && form.input(list[at], path, label));
}

// Another way of writing takes over what fits into it: one value for all becomes one for each severity.
function turn(form, s, path, way, value) {
  if (!way) return;
  const kind = inputOf(form.root, way), isCases = deref(form.root, way.items)?.properties?.is;
  const one = Array.isArray(value) ? value.at(-1)?.is ?? value : isObject(value) ? Object.values(value)[0] : value;
  let made = form.blank(way);
  if (kind === 'map' && deref(form.root, way.propertyNames)['x-names'] === 'severity') {
    const sample = one === undefined || (isObject(one) && !Array.isArray(one)) ? form.blank(way.additionalProperties) : one;
    made = Object.fromEntries(form.names.list('severity').map(severity => [severity.name, structuredClone(isObject(value) && !Array.isArray(value) && severity.name in value ? value[severity.name] : sample)]));
  } else if (isCases) made = [{ is: isObject(one) ? form.blank(way.items.properties?.is) : one ?? form.blank(deref(form.root, way.items).properties.is) }];
  else if (value !== undefined && (typeof one === typeof made) && Array.isArray(one) === Array.isArray(made)) made = one;
  form.set(path, made);
}

const constantInput = (form, s, path) => h('span', { class: 'ed-constant', id: idOf(path) }, path.length === 1 && path[0] === 'kind' && form.root.title ? form.root.title : String(form.get(path) ?? s.const ?? form.t('none')));

const mapOrLookup = (form, s, path, label) => (fieldsOf(form, path) ? lookupInput : mapInput)(form, s, path, label);

export const INPUTS = {
  boolean: booleanInput, choice: choiceInput, condition: conditionInput, constant: constantInput, dates: datesInput, duration: durationInput, hours: hoursInput, list: listInput,
  map: mapOrLookup, name: nameInput, number: numberInput, object: objectInput, several: severalInput, string: stringInput, text: textInput, union: unionInput, value: valueInput,
};

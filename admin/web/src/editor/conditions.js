// Conditions: one line per test, groups of all, any and not, nested as deep as one likes.
import { h, iconButton, idOf, textButton } from './dom.js';
import { isObject } from './writing.js';
import { chooser, line, readValue, shownValue } from './inputs.js';
import { deref } from './schema.js';

const KINDS = { text: 'text', long_text: 'text', email: 'text', phone: 'text', url: 'text', person: 'text', choice: 'text', integer: 'number', rating: 'number' };
const LISTS = ['in', 'not_in'];

export function conditionInput(form, s, path, label) {
  const value = form.get(path);
  if (value === undefined) {
    return h('div', { class: 'ed-condition' }, h('span', { class: 'muted' }, form.t('always')), form.isWritable() && textButton(`＋ ${form.t('add_condition')}`, () => form.set(path, blankTest(form)), { id: idOf(path, '-add') }));
  }
  return h('div', { class: 'ed-condition', role: 'group', 'aria-label': label }, node(form, path, value, label), form.problems(path));
}

const blankTest = form => { const fields = form.names.fields(), name = Object.keys(fields)[0] ?? 'subject'; return { field: name, known: true }; };

function node(form, path, value, label) {
  if (Array.isArray(value)) return group(form, path, path, 'all', value, label, true);
  if (isObject(value)) {
    if (Array.isArray(value.all)) return group(form, path, [...path, 'all'], 'all', value.all, label);
    if (Array.isArray(value.any)) return group(form, path, [...path, 'any'], 'any', value.any, label);
    if ('not' in value) return h('div', { class: 'ed-group ed-not' }, h('div', { class: 'ed-line' }, h('span', { class: 'ed-join' }, form.t('not')), remover(form, path)), node(form, [...path, 'not'], value.not, label));
    if ('happened' in value) return happened(form, path, value);
    if ('field' in value) return test(form, path, value);
  }
  return h('div', { class: 'ed-line' }, h('code', {}, JSON.stringify(value)), remover(form, path));
}

// `holder` is where the group stands, `list` where its members do.
function group(form, holder, list, join, members, label, isList = false) {
  const add = value => form.edit({ do: 'insert', path: list, at: members.length, value }, { said: form.t('added') });
  const turn = to => (isList ? form.set(holder, { [to]: members }) : form.edit({ do: 'rename', path: list, key: to }));
  return h('div', { class: `ed-group ed-${join}` }, h('div', { class: 'ed-line' },
    h('select', { id: idOf(list, '-join'), class: 'form-control form-control-sm custom-select ed-join', 'aria-label': form.t('joined'), onchange: event => turn(event.target.value) },
      ['all', 'any'].map(one => h('option', { value: one, selected: one === join }, form.t(one)))), remover(form, holder)),
  h('ul', { class: 'ed-members' }, members.map((one, i) => h('li', {}, node(form, [...list, i], one, label), form.problems([...list, i])))),
  form.isWritable() && h('div', { class: 'ed-line' }, textButton(`＋ ${form.t('add_test')}`, () => add(blankTest(form)), { id: idOf(list, '-test') }),
    textButton(`＋ ${form.t('add_group')}`, () => add({ [join === 'all' ? 'any' : 'all']: [blankTest(form)] }), { id: idOf(list, '-group') }),
    textButton(`＋ ${form.t('add_happened')}`, () => add({ happened: 'received' }), { id: idOf(list, '-happened') })));
}

function test(form, path, value) {
  const fields = form.names.fields(), known = fields[value.field], kind = KINDS[known?.type] ?? known?.type ?? 'text';
  const operator = Object.keys(value).find(key => key !== 'field'), allowed = form.names.builtIn.operators[kind] ?? form.names.builtIn.operators.text;
  const titles = deref(form.root, { $ref: '#/$defs/test' }).properties ?? {};
  const choose = to => turnOperator(form, path, value, operator, to);
  return h('div', { class: 'ed-line ed-test', 'data-path': JSON.stringify(path) },
    chooser(form, [...path, 'field'], form.t('field'), { value: value.field, options: form.names.list('field'), isRequired: true, isTitleOnly: true, choose: name => chooseField(form, path, value, operator, name) }),
    chooser(form, [...path, 'operator'], form.t('operator'), { value: operator, options: allowed.map(name => ({ name, title: titles[name]?.title ?? name })), isRequired: true, isTitleOnly: true, choose }),
    operand(form, [...path, operator], operator, known, value[operator]), form.problems([...path, 'field']), form.problems([...path, operator]), joiners(form, path, value), remover(form, path));
}

// What a test compares with, by the comparison and the kind of field.
function operand(form, path, operator, field, value) {
  const label = form.t('value'), set = found => form.set(path, found);
  if (operator === 'known' || (field?.type === 'boolean' && typeof value === 'boolean')) {
    return h('select', { id: idOf(path), class: 'form-control form-control-sm custom-select', 'aria-label': label, onchange: event => set(event.target.value === 'true') }, [true, false].map(one => h('option', { value: String(one), selected: one === value }, form.t(one ? 'yes' : 'no'))));
  }
  if (operator === 'during') return chooser(form, path, label, { value, options: form.names.list('calendar'), isRequired: true, choose: set });
  const options = field?.options && Object.entries(field.options).map(([name, title]) => ({ name, title }));
  if (options?.length && LISTS.includes(operator) && Array.isArray(value)) {
    return h('span', { class: 'ed-boxes', role: 'group', 'aria-label': label }, options.map(one => h('label', { class: 'ed-box' }, h('input', { type: 'checkbox', id: idOf(path, `-${one.name}`), checked: value.includes(one.name), onchange: event => toggle(form, path, value, one.name, event.target.checked) }), one.title)));
  }
  if (options?.length && !Array.isArray(value) && ['is', 'is_not', 'contains'].includes(operator)) return chooser(form, path, label, { value: String(value), options, isRequired: true, isTitleOnly: true, choose: set });
  if (['within_next', 'longer_ago_than'].includes(operator)) return h('span', { class: 'ed-with', 'data-labelled': idOf(path) }, line(form, path, label, { value, examples: ['2h', '1d', '3wd'] }), form.example(value, path));
  return line(form, path, label, { value: shownValue(value), read: text => readOperand(text, operator), class: 'form-control form-control-sm ed-value' });
}

const readOperand = (text, operator) => {
  if (LISTS.includes(operator) && !text.startsWith('field:')) return text.split(/,\s*/).filter(Boolean).map(one => readValue(one));
  return operator === 'matches' ? text : text === '' ? '' : readValue(text, ['string', 'number', 'boolean', 'array']);
};

function toggle(form, path, value, name, isOn) {
  if (isOn) form.edit({ do: 'insert', path, at: value.length, value: name });
  else form.edit({ do: 'delete', path: [...path, value.indexOf(name)] });
}

function fresh(operator, field, before) {
  const first = field?.options ? Object.keys(field.options)[0] : undefined;
  if (operator === 'known') return true;
  if (LISTS.includes(operator)) return Array.isArray(before) ? before : [['string', 'number'].includes(typeof before) ? before : first ?? ''];
  if (['within_next', 'longer_ago_than'].includes(operator)) return '1d';
  const one = Array.isArray(before) ? before[0] : before;
  if (field?.type === 'boolean') return typeof one === 'boolean' ? one : true;
  if (field?.options) return one !== undefined && String(one) in field.options ? one : first ?? '';
  if (['integer', 'number', 'rating'].includes(field?.type)) return typeof one === 'number' ? one : 0;
  return typeof one === 'string' ? one : typeof one === 'number' ? String(one) : '';
}

function turnOperator(form, path, value, from, to) {
  if (from === to) return;
  const made = fresh(to, form.names.fields()[value.field], value[from]);
  if (from && JSON.stringify(made) === JSON.stringify(value[from])) form.edit({ do: 'rename', path: [...path, from], key: to });
  else form.set(path, { field: value.field, [to]: made });
}

function chooseField(form, path, value, operator, name) {
  const field = form.names.fields()[name], kind = KINDS[field?.type] ?? field?.type ?? 'text', allowed = form.names.builtIn.operators[kind] ?? [];
  const to = allowed.includes(operator) ? operator : 'is', made = fresh(to, field, value[operator]);
  if (to === operator && JSON.stringify(made) === JSON.stringify(value[operator])) form.set([...path, 'field'], name);
  else form.set(path, { field: name, [to]: made });
}

function happened(form, path, value) {
  const events = form.names.list('event');
  return h('div', { class: 'ed-line ed-test', 'data-path': JSON.stringify(path) },
    chooser(form, [...path, 'happened'], form.t('has_happened'), { value: value.happened, options: events, isRequired: true, choose: name => form.set([...path, 'happened'], name) }), h('span', {}, form.t('has_happened')), form.problems([...path, 'happened']),
    h('span', {}, form.t('since')), chooser(form, [...path, 'since'], form.t('since'), { value: value.since, options: events, choose: name => form.set([...path, 'since'], name) }), joiners(form, path, value), remover(form, path));
}

// Turning one test into a group, or into its opposite.
function joiners(form, path, value) {
  if (!form.isWritable()) return null;
  const isMember = typeof path.at(-1) === 'number';
  return [!isMember && iconButton('plus', form.t('add_test'), () => form.set(path, { all: [value, blankTest(form)] }), { id: idOf(path, '-and') }), iconButton('ban', form.t('negate'), () => form.set(path, { not: value }), { id: idOf(path, '-not') })];
}

function remover(form, path) {
  return form.isWritable() && iconButton('times', form.t('remove'), () => take(form, path), { id: idOf(path, '-x') });
}

function take(form, path) {
  const last = path.at(-1);
  if (last === 'not') return take(form, path.slice(0, -1));
  if (typeof last === 'number' && form.get(path.slice(0, -1)).length === 1) {
    const list = path.slice(0, -1);
    return take(form, ['all', 'any'].includes(list.at(-1)) ? list.slice(0, -1) : list);
  }
  return form.remove(path, { said: form.t('removed') });
}

// The names that a document may use at a place: what it defines itself, and what stands outside it.
import { isObject } from './writing.js';

const keys = value => (isObject(value) && !Array.isArray(value) ? Object.keys(value) : []);

export class Names {
  // `outside`: teams, roles, people, calendars …, each {name, title}; `own`: names that every issue has, {name: {title, type}}
  constructor({ outside, builtIn, language, root, t }) {
    Object.assign(this, { outside, builtIn, language, root, t });
    this.value = {};
  }

  of(value) {
    if (this.value !== value) { this.value = value; this.known = new Map(); }
    return this;
  }

  titleOf(text, otherwise) {
    if (typeof text === 'string') return text;
    return (isObject(text) && (text[this.language] || text.zh || text.en)) || otherwise;
  }

  // [{name, title}] for an `x-names`.
  list(kind) {
    if (!this.known.has(kind)) this.known.set(kind, this.#find(kind));
    return this.known.get(kind);
  }

  title(kind, name) {
    const above = kind === 'who' && /^supervisor\+(\d+)$/.exec(name);
    if (above) return this.t(above[1] === '1' ? 'above_one' : 'above', { n: above[1] });
    return this.list(kind).find(one => one.name === name)?.title ?? name;
  }

  #defined(section) {
    const found = this.value[section];
    return keys(found).map(name => ({ name, title: this.titleOf(found[name]?.title ?? found[name]?.label, name) }));
  }

  #find(kind) {
    const doc = this.value;
    switch (kind) {
      case 'field': return Object.entries(this.fields()).map(([name, one]) => ({ name, title: one.title }));
      case 'severity': return this.#defined('severities');
      case 'stage': return this.#defined('stages');
      case 'action': return this.#actions();
      case 'template': return this.#defined('templates');
      case 'survey': return this.#defined('surveys');
      case 'notice': return this.#defined('notify');
      case 'channel': return this.#channels();
      case 'channels': case 'calendar': case 'process': return this.outside[kind] ?? [];
      case 'team': return this.outside.team;
      case 'who': return this.#who();
      case 'event': return this.#events();
      default: return keys(doc[kind]).map(name => ({ name, title: name }));
    }
  }

  #actions() {
    const own = this.#defined('actions');
    const built = Object.entries(this.root.properties?.actions?.properties ?? {}).map(([name, one]) => ({ name, title: one.title ?? name }));
    return [...own, ...built.filter(one => !own.some(other => other.name === one.name))];
  }

  #channels() {
    const own = this.value.kind === 'channels' ? this.#defined('channels') : [];
    const named = this.value.channels && typeof this.value.channels === 'string' ? this.value.channels : 'default';
    const found = own.length ? own : this.outside.channel.filter(one => one.of === named);
    return [...found.map(({ name, title }) => ({ name, title })), { name: 'preferred', title: this.t('preferred') }];
  }

  #who() {
    const words = this.builtIn.who;
    const fields = Object.entries(this.fields()).filter(([, one]) => one.type === 'person');
    return [
      ...Object.entries(words).map(([name, title]) => ({ name, title })),
      ...this.outside.role.map(one => ({ name: `role:${one.name}`, title: one.title })),
      ...this.outside.team.map(one => ({ name: one.name, title: one.title })),
      ...this.outside.team.map(one => ({ name: one.name.replace('team:', 'duty:'), title: this.t('on_duty_in', { name: one.title }) })),
      ...fields.map(([name, one]) => ({ name: `field:${name}`, title: one.title })),
      ...this.list('action').map(one => ({ name: `did:${one.name}`, title: this.t('who_did', { name: one.title }) })),
      ...this.#defined('ladders').map(one => ({ name: `rung:${one.name}`, title: this.t('who_rung', { name: one.title }) })),
    ];
  }

  #events() {
    const each = (list, prefix, ends) => list.flatMap(one => ends.map(end => ({ name: `${prefix}${one.name}${end}`, title: `${one.title}${end ? ` · ${this.t(`event_${end.slice(1)}`)}` : ''}` })));
    return [
      { name: 'received', title: this.t('event_received') },
      ...each(this.list('action'), '', ['']),
      ...each(this.list('stage'), 'stage.', ['']),
      ...each(keys(this.value.classify).map(name => ({ name, title: name })), 'classified.', ['']),
      ...each(this.#defined('clocks'), 'clock.', ['.warned', '.met', '.breached']),
      ...each(this.#defined('ladders'), 'ladder.', ['.climbed', '.exhausted']),
      ...each(this.#defined('notify'), 'notice.', ['.confirmed']),
      ...each(this.#defined('surveys'), 'survey.', ['.answered', '.expired']),
      ...each(this.#defined('checks'), 'check.', ['.failed']),
      ...each(this.#defined('watches'), 'watch.', ['.raised']),
    ];
  }

  // Every field that a condition may name: {name: {title, type, options}}.
  fields() {
    if (this.known.has('fields')) return this.known.get('fields');
    const found = {}, options = list => Object.fromEntries(list.map(one => [one.name, one.title]));
    const add = (name, one) => { found[name] = { title: this.titleOf(one?.label, name), type: one?.many ? 'list' : one?.type ?? 'text', options: one?.options ? Object.fromEntries(keys(one.options).map(key => [key, this.titleOf(one.options[key], key)])) : null }; };
    for (const name of keys(this.value.fields)) add(name, this.value.fields[name]);
    for (const name of keys(this.value.classify)) found[name] ??= { title: name, type: 'text', options: valuesOf(this.value.classify[name]) };
    for (const survey of keys(this.value.surveys)) for (const name of keys(this.value.surveys[survey]?.questions)) if (!(name in found)) add(name, this.value.surveys[survey].questions[name]);
    for (const [name, one] of Object.entries(this.builtIn.fields)) found[name] ??= { title: one.title, type: one.type, options: null };
    found.severity = { ...found.severity, title: this.builtIn.fields.severity?.title ?? 'severity', type: 'choice', options: options(this.list('severity')) };
    if (found.stage) found.stage = { ...found.stage, type: 'choice', options: options(this.list('stage')) };
    this.known.set('fields', found);
    return found;
  }
}

function valuesOf(judged) {
  const list = Array.isArray(judged) ? judged.map(one => one?.is) : [];
  const found = list.filter(one => ['string', 'number', 'boolean'].includes(typeof one));
  return found.length ? Object.fromEntries(found.map(one => [one, String(one)])) : null;
}

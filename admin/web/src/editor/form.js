// The form: the parts of the document, of which one is open. Every edit is a patch of the text; the form itself keeps nothing
// but what is open and where the cursor is.
import { dayText, nearDay, weekday } from '../language/formats.js';
import { edited } from './patch.js';
import { blank, deref, inner, inputOf } from './schema.js';
import { h, idOf, keyOfPath, later } from './dom.js';
import { INPUTS } from './inputs.js';
import { matrixOf } from './matrices.js';
import { isObject } from './writing.js';

const BASICS = '';

export class Form {
  // `apply(source)` takes the document after an edit; `say(text)` tells who cannot see it; `ask`: questions to the server.
  constructor({ root, names, t, apply, say, ask, isWritable, language }) {
    Object.assign(this, { root, names, t, apply, say, ask, isWritable, language });
    this.open = new Set();
    this.findings = [];
    this.failing = [];
    this.cost = 0;
    this.current = BASICS;
    this.worked = new Map();
    this.source = null;
    this.nav = h('nav', { class: 'ed-parts', 'aria-label': t('parts') });
    this.panel = h('div', { class: 'ed-panel' });
    this.broken = h('p', { class: 'notice notice-bad ed-broken', role: 'status', hidden: true });
    this.body = h('div', { class: 'ed-form-body' }, this.nav, this.panel);
    this.element = h('section', { class: 'ed-form', 'aria-label': t('form') }, this.broken, this.body);
    this.fetchWorked = later(() => this.#fetchWorked(), 300);
    this.wanted = new Map();
    this.redraw = later(() => this.draw(), 400);
    this.#waitForUsers();
  }

  // -- the document -----------------------------------------------------------------------------------------------

  show(source) {
    this.source = source;
    const { error } = source;
    this.broken.hidden = !error;
    this.body.inert = Boolean(error);
    this.element.classList.toggle('is-broken', Boolean(error));
    if (error) { this.broken.textContent = this.t('broken', { line: error.line, why: error.why }); return; }
    this.names.of(source.value);
    this.draw();
  }

  get(path) { return this.source.get(path); }

  // Carries an edit out; says whether it was done. `isTyping`: the input that is typed in stays as it is.
  edit(edit, options) { return this.editAll([edit], options); }

  // Several edits as one step: all of them or none.
  editAll(edits, { isTyping = false, said = '' } = {}) {
    if (!this.isWritable() || this.source.error) return false;
    const begun = performance.now();
    let after = this.source;
    for (const edit of edits) after = after && edited(after, edit);
    if (!after) { this.refused = (this.refused ?? 0) + 1; this.say(this.t('not_saved', { why: this.t('not_possible') })); this.draw(); return false; }
    this.source = after;
    this.names.of(after.value);
    this.apply(after);
    this.cost = performance.now() - begun;
    if (isTyping) this.redraw(); else { this.redraw.stop(); this.draw(); }
    if (said) this.say(said);
    return true;
  }

  set(path, value, options) {
    if (value === undefined) return this.remove(path, options);
    if (this.get(path.slice(0, -1)) === undefined || this.get(path.slice(0, -1)) === null) {
      const above = typeof path.at(-1) === 'number' ? [value] : { [path.at(-1)]: value };
      return this.set(path.slice(0, -1), above, options);
    }
    if (this.get(path) === value) return true;
    const at = this.get(path) === undefined ? this.placeOf(path) : undefined;
    return this.edit({ do: 'set', path, value, at }, options);
  }

  // Takes a value away; of what is left empty by that, the key above as well.
  remove(path, options) {
    const value = this.get(path);
    if (value === undefined) return true;
    const above = this.get(path.slice(0, -1)), isLast = isObject(above) && Object.keys(above).length === 1;
    const isOptional = !deref(this.root, this.schemaAt(path.slice(0, -2)) ?? {}).required?.includes(path.at(-2));
    if (isLast && path.length > 2 && typeof path.at(-2) === 'string' && isOptional) return this.remove(path.slice(0, -1), options);
    return this.edit({ do: 'delete', path }, options);
  }

  // Before which of its neighbours a new key stands: the order of the schema.
  placeOf(path) {
    const above = this.get(path.slice(0, -1)), schema = deref(this.root, this.schemaAt(path.slice(0, -1)) ?? {});
    const order = Object.keys(schema.properties ?? {}), own = order.indexOf(path.at(-1));
    if (!isObject(above) || own < 0) return undefined;
    const at = Object.keys(above).findIndex(key => order.indexOf(key) > own);
    return at < 0 ? undefined : at;
  }

  schemaAt(path) {
    let found = this.root;
    for (const step of path) {
      const s = deref(this.root, found);
      const fit = (s.oneOf ?? []).map(one => inner(this.root, one, step)).find(Boolean);
      found = inner(this.root, s, step) ?? fit;
      if (!found) return null;
    }
    return found;
  }

  // -- drawing ----------------------------------------------------------------------------------------------------

  parts() {
    const basics = [], rest = [];
    for (const [key, schema] of Object.entries(this.root.properties ?? {}))
      (['map', 'object', 'list', 'dates', 'union'].includes(inputOf(this.root, schema)) ? rest : basics).push(key);
    return { basics, rest };
  }

  // What was typed is committed when its field is left: while the cursor goes to the next one, or a button is being
  // pressed. Drawn anew in between, the form would lose the cursor, or never see the click.
  #waitForUsers() {
    const over = name => { if (this[name]) { this[name] = false; if (this.isDrawnLater) setTimeout(() => this.draw()); } };
    this.element.addEventListener('pointerdown', () => { this.isPressed = true; }, true);
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => over('isPressed'), true);
    this.element.addEventListener('change', event => {
      if (!/text|area/.test(event.target.type)) return;
      this.isLeft = true;
      setTimeout(() => over('isLeft'));
    }, true);
  }

  draw() {
    this.isDrawnLater = Boolean(this.isPressed || this.isLeft);
    if (this.isDrawnLater || !this.source || this.source.error) return;
    const focus = this.#focus();
    this.#drawNav();
    const made = this.#section();
    this.panel.replaceChildren(...made.filter(Boolean));
    this.#refocus(focus);
  }

  #drawNav() {
    const { basics, rest } = this.parts();
    const entry = (key, title, value) => {
      const count = isObject(value) ? Object.keys(value).length : null;
      const wrong = this.wrong.filter(one => (key === BASICS ? basics.includes(String(one.path[0])) || !one.path.length : String(one.path[0]) === key));
      const level = wrong.some(one => one.level === 'error') ? 'bad' : wrong.length ? 'warn' : '';
      const lacks = key !== BASICS && value === undefined && (this.root.required ?? []).includes(key);
      return h('button', { type: 'button', id: `part-${key}`, 'aria-current': this.current === key ? 'true' : null, class: value === undefined && key ? 'is-empty' : '', onclick: () => this.go(key) },
        h('span', {}, title), level && h('span', { class: `tag tag-${level}`, title: this.t('findings') }, String(wrong.length), h('span', { class: 'sr-only' }, ` ${this.t('findings')}`)), lacks && h('span', { class: 'required' }, this.t('required')), !level && count !== null && h('span', { class: 'ed-count' }, String(count)));
    };
    this.nav.replaceChildren(entry(BASICS, this.t('basics')), ...rest.map(key => entry(key, deref(this.root, this.root.properties[key]).title ?? key, this.get([key]))));
  }

  go(key) {
    this.current = key;
    this.draw();
    this.panel.querySelector('h2')?.scrollIntoView?.({ block: 'nearest' });
  }

  #section() {
    if (this.current === BASICS) {
      const { basics } = this.parts();
      return [h('h2', {}, this.t('basics')), h('div', { class: 'ed-fields' }, basics.map(key => this.row(this.root.properties[key], [key], (this.root.required ?? []).includes(key))))];
    }
    const key = this.current, schema = deref(this.root, this.root.properties[key] ?? {});
    return [h('h2', {}, schema.title ?? key), schema.description && h('p', { class: 'hint ed-about' }, schema.description), matrixOf(this, key), this.input(schema, [key], schema.title ?? key)];
  }

  // The input of a node.
  input(schema, path, label) {
    const made = INPUTS[inputOf(this.root, schema)](this, deref(this.root, schema), path, label ?? schema.title ?? String(path.at(-1)));
    if (!this.isWritable()) for (const one of [made, ...made.querySelectorAll?.('*') ?? []]) if (/^(INPUT|SELECT|TEXTAREA)$/.test(one.tagName)) one.disabled = true;
    return made;
  }

  // A node with its label, its description and what is wrong with it.
  row(schema, path, isRequired = false, isRemovable = false) {
    const s = deref(this.root, schema), kind = inputOf(this.root, schema), title = s.title ?? String(path.at(-1));
    const made = this.input(schema, path, title), isGroup = !/^(INPUT|SELECT|TEXTAREA)$/.test(made.tagName) && !made.dataset?.labelled;
    const describe = [title, isRequired && h('span', { class: 'required' }, this.t('required'))];
    const head = isGroup ? h('span', { class: 'ed-label' }, describe) : h('label', { class: 'ed-label', for: made.dataset?.labelled || made.id }, describe);
    return h('div', { class: `ed-field ed-field-${kind}`, 'data-path': keyOfPath(path), role: isGroup ? 'group' : null, 'aria-label': isGroup ? title : null },
      h('div', { class: 'ed-field-head' }, head, isRemovable && this.isWritable() && this.#clear(title, path)), made,
      s.description && h('p', { class: 'hint' }, s.description), this.problems(path));
  }

  #clear(title, path) {
    return h('button', { type: 'button', class: 'ed-icon', id: idOf(path, '-clear'), 'aria-label': this.t('remove_one', { what: title }), title: this.t('remove'), onclick: () => this.remove(path, { said: this.t('removed') }) }, h('i', { class: 'fa fa-times', 'aria-hidden': 'true' }));
  }

  // What is wrong with exactly this value.
  problems(path) {
    const key = keyOfPath(path), found = this.wrong.filter(one => keyOfPath(one.path) === key);
    return found.map(one => h('p', { class: `problem problem-${one.level}` }, one.message));
  }

  wrongWithin(path) {
    return this.wrong.filter(one => path.every((step, i) => one.path[i] === step));
  }

  // What is wrong anywhere: what the check finds, and the examples that fail.
  get wrong() { return [...this.findings, ...this.failing]; }

  showFailing(failing) {
    if (JSON.stringify(failing) === JSON.stringify(this.failing)) return;
    this.failing = failing;
    this.showFindings(this.findings);
  }

  showFindings(findings) {
    this.findings = findings;
    if (!this.element.contains(document.activeElement) || !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) this.draw();
    else this.#drawNav();
  }

  // Opens the part, and the items on the way, in which a value stands, and goes there.
  reveal(path) {
    const { basics } = this.parts();
    this.current = !path.length || basics.includes(String(path[0])) ? BASICS : String(path[0]);
    for (let n = 1; n <= path.length; n++) this.open.add(keyOfPath(path.slice(0, n)));
    this.draw();
    for (let n = path.length; n > 0; n--) {
      const found = document.getElementById(idOf(path.slice(0, n))) ?? this.panel.querySelector(`[data-path="${CSS.escape(keyOfPath(path.slice(0, n)))}"]`);
      if (found) { if (!/^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(found.tagName)) found.tabIndex = -1; found.scrollIntoView({ block: 'center' }); found.focus(); return; }
    }
  }

  #focus() {
    const active = document.activeElement;
    return this.element.contains(active) && active.id ? { id: active.id, start: active.selectionStart, end: active.selectionEnd, typed: active.isWaiting ? active.value : null } : null;
  }

  #refocus(focus) {
    const found = focus && (document.getElementById(focus.id) ?? document.getElementById(focus.id.replace(...this.renamed ?? ['', ''])));
    if (!found || found === document.activeElement) return;
    found.focus({ preventScroll: true });
    // What was typed and not committed yet goes on in the new input.
    if (focus.typed !== null) { found.value = focus.typed; found.dispatchEvent(new Event('input')); }
    if (typeof focus.start === 'number' && found.setSelectionRange && /text|search|^$/.test(found.type ?? '')) found.setSelectionRange(focus.start, focus.end);
  }

  // -- durations, worked out by the server ---------------------------------------------------------------------------

  calendarOf(path) {
    const clock = path[0] === 'clocks' && path.length > 1 ? this.get(['clocks', path[1], 'calendar']) : null;
    return clock || this.get(['calendar']) || '';
  }

  example(text, path) {
    const calendar = this.calendarOf(path), key = `${calendar} ${text}`, made = h('span', { class: 'ed-worked', 'data-worked': key });
    if (!text || typeof text !== 'string' || text.startsWith('field:')) return made;
    if (this.worked.has(key)) made.textContent = this.worked.get(key);
    else if (typeof calendar === 'string') { this.wanted.set(key, { calendar, text }); this.fetchWorked(); }
    return made;
  }

  async #fetchWorked() {
    const wanted = [...this.wanted.values()], calendars = new Set(wanted.map(one => one.calendar));
    this.wanted.clear();
    for (const calendar of calendars) {
      const durations = wanted.filter(one => one.calendar === calendar).map(one => one.text);
      const found = await this.ask('worked', { calendar, durations });
      if (!found) continue;
      const start = found.start.slice(11);
      for (const text of durations) this.worked.set(`${calendar} ${text}`, found.ends[text] ? this.t('worked', { start, end: this.#when(found.start, found.ends[text]) }) : '');
    }
    for (const one of this.panel.querySelectorAll('[data-worked]')) one.textContent = this.worked.get(one.dataset.worked) ?? '';
  }

  #when(start, end) {
    const day = new Date(`${end}:00Z`), days = (day - new Date(`${start}:00Z`)) / 86_400_000;
    const date = days < 6.5 ? '' : `${(days > 300 ? dayText : nearDay)(day)} `;
    return `${date}${weekday(day)} ${end.slice(11)}`;
  }

  blank(schema) { return blank(this.root, schema); }
}

// The page: the form, the YAML, what is saved, what is found, and the area beside for what else is known of the draft.
import { Form } from './form.js';
import { Names } from './names.js';
import { Source } from './source.js';
import { Store } from './store.js';
import { Yaml, fix, spanOf } from './yaml.js';
import './preview.js';
import { h, icon, later, textButton, words } from './dom.js';

const CHECK_AFTER = 600, READ_AFTER = 250;

export function start(data, place, plain) {
  const page = new Page(data);
  place.replaceChildren(page.element);
  place.hidden = false;
  plain.hidden = true;
  page.begin();
  return page;
}

class Page {
  constructor(data) {
    this.data = data;
    const t = this.t = words(data.texts), { language } = data;
    this.bus = new EventTarget();
    this.findings = data.findings;
    const kind = data.kind || String(new Source(data.text).value.kind ?? '');
    const root = data.schema[kind] ?? { type: 'object', properties: {}, $defs: {} };
    const names = new Names({ outside: data.names, builtIn: data.built_in, language, root, t });
    this.live = h('p', { class: 'sr-only', role: 'status', 'aria-live': 'polite', id: 'editor-live' });
    const say = text => { this.live.textContent = ''; requestAnimationFrame(() => { this.live.textContent = text; }); };
    this.form = new Form({ root, names, t, language, say, isWritable: () => data.writable, ask: (...given) => this.ask(...given), apply: source => this.byForm(source) });
    this.store = new Store({ data, text: () => this.yaml.text, told: (state, more) => this.told(state, more) });
    this.yaml = new Yaml({ text: data.text, form: this.form, t, language, isWritable: data.writable, changed: (text, isByForm) => this.changed(text, isByForm), save: () => this.store.save() });
    this.check = later(() => this.runCheck(), CHECK_AFTER);
    this.read = later(() => this.readText(), READ_AFTER);
    this.#build();
  }

  #build() {
    const { t } = this;
    this.state = h('span', { class: 'ed-state', role: 'status', id: 'editor-state' });
    this.notice = h('div', { class: 'ed-notice', role: 'alert' });
    this.undoButton = h('button', { type: 'button', class: 'btn btn-sm btn-outline', id: 'editor-undo', onclick: () => this.yaml.undo() }, icon('undo'), ` ${t('undo')}`);
    this.redoButton = h('button', { type: 'button', class: 'btn btn-sm btn-outline', id: 'editor-redo', onclick: () => this.yaml.redo() }, icon('repeat'), ` ${t('redo')}`);
    const modes = h('div', { class: 'ed-modes', role: 'group', 'aria-label': `${t('form')}, YAML` }, ['form', 'both', 'yaml'].map(mode => h('button', { type: 'button', id: `mode-${mode}`, onclick: () => this.mode(mode) }, mode === 'yaml' ? 'YAML' : t(mode))));
    this.modes = modes;
    this.count = h('a', { href: '#side-findings', class: 'ed-found', onclick: () => this.tab('findings') });
    const save = h('button', { type: 'button', class: 'btn btn-sm btn-main', id: 'editor-save', onclick: () => this.store.save() }, t('save'));
    const bar = h('div', { class: 'ed-bar' }, modes, this.data.writable && [this.undoButton, this.redoButton, save], this.state, this.count);
    this.main = h('div', { class: 'ed-main' }, this.form.element, this.yaml.element);
    this.element = h('div', { class: 'ed' }, this.live, bar, this.notice, this.main, this.#side());
  }

  // -- beside the draft ---------------------------------------------------------------------------------------------

  #side() {
    const { t } = this, tabs = [['findings', t('findings')], ['examples', t('examples')], ['try', t('try_it')], ['changes', t('changes')]];
    this.panels = Object.fromEntries(tabs.map(([key]) => [key, h('div', { id: `side-${key}`, role: 'tabpanel', 'aria-labelledby': `tab-${key}`, class: 'ed-tabpanel', tabindex: '0', hidden: true })]));
    const has = key => key === 'findings' || this.data.beside?.[key];
    this.tabs = h('div', { role: 'tablist', class: 'ed-tabs', 'aria-label': t('beside') }, tabs.filter(([key]) => has(key)).map(([key, title]) => h('button', { type: 'button', role: 'tab', id: `tab-${key}`, 'aria-controls': `side-${key}`, onclick: () => this.tab(key), onkeydown: event => this.#alongTabs(event) }, title)));
    return h('section', { class: 'card-box ed-side', 'aria-label': t('beside') }, this.tabs, Object.entries(this.panels).filter(([key]) => has(key)).map(([, panel]) => panel));
  }

  #alongTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], all = [...this.tabs.children];
    if (!step) return;
    const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
    next.focus();
    next.click();
  }

  async tab(key) {
    for (const one of this.tabs.children) { const isOn = one.id === `tab-${key}`; one.setAttribute('aria-selected', String(isOn)); one.tabIndex = isOn ? 0 : -1; }
    for (const [name, panel] of Object.entries(this.panels)) panel.hidden = name !== key;
    this.opened = key;
    await this.#mount(key);
  }

  async #mount(key) {
    const beside = this.data.beside?.[key], panel = this.panels[key];
    if (!beside) return;
    if (panel.dataset.mounted) { this.mounted?.[key]?.update?.(); return; }
    panel.dataset.mounted = 'true';
    const module = await import(beside.module);
    const made = module.mount(panel, { part: key, draftUrl: beside.draftUrl, texts: this.data.texts, getText: () => this.yaml.text, onChange: text => { this.yaml.replace(text); this.readText(); }, request: (address, options) => this.store.request(address, options), told: failing => this.showExamples(failing) });
    this.mounted = { ...this.mounted, [key]: made };
  }

  // -- the text and what is read from it ------------------------------------------------------------------------------

  begin() {
    const left = this.store.leftOver();
    this.source = new Source(this.yaml.text);
    this.form.findings = this.findings;
    this.form.show(this.source);
    this.mode(localStorage.getItem('duban-editor-mode') ?? (innerWidth >= 1500 ? 'both' : 'form'));
    this.tab('findings');
    this.#playExamples();
    this.told(this.data.writable ? 'saved' : 'read_only');
    this.showFindings();
    if (left && this.data.writable) this.#recover(left);
    addEventListener('beforeunload', () => { if (this.data.writable && this.yaml.text !== this.store.saved) { this.store.keep(); this.store.save(); } });
    for (const link of document.querySelectorAll('a[data-saved-first]')) link.addEventListener('click', event => this.#leaveBy(link, event));
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && this.store.save());
    addEventListener('keydown', event => {
      if ((event.ctrlKey || event.metaKey) && event.key === 's') { event.preventDefault(); this.store.save(); }
      this.#backOrForth(event);
    });
    this.#goToPlace();
    document.documentElement.dataset.editor = 'ready';
  }

  // The place that the address names: `#at/clocks/first/within`.
  #goToPlace() {
    const [begin, ...steps] = decodeURIComponent(location.hash).split('/');
    if (begin !== '#at' || this.source.error) return;
    const path = [];
    for (const step of steps.filter(Boolean)) path.push(Array.isArray(this.source.get(path)) ? Number(step) : step);
    if (this.main.dataset.mode === 'yaml') this.mode('form');
    this.form.reveal(path);
  }

  // Examples are played beside the text whether their tab is open or not: which fail is said on the tab and in the form.
  async #playExamples() {
    if (!this.data.beside?.examples) return;
    await this.#mount('examples');
    this.mounted.examples?.update?.();
  }

  showExamples(failing) {
    const { t } = this, tab = this.tabs.querySelector('#tab-examples');
    this.form.showFailing(failing.map(({ place, message }) => ({ path: ['examples', place], level: 'error', message: t('example_fails', { why: message }) })));
    this.showFindings();
    tab.replaceChildren(t('examples'), failing.length ? h('span', { class: 'tag tag-bad' }, h('span', { 'aria-hidden': 'true' }, String(failing.length)), h('span', { class: 'sr-only' }, t('examples_fail', { count: failing.length }))) : '');
  }

  // What leads on with the text leads on with all of it: what is not saved yet is saved first, and who cannot save stays.
  async #leaveBy(link, event) {
    if (!this.data.writable || this.yaml.text === this.store.saved || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (await this.store.flush()) location.assign(link.href);
  }

  // Back and forth by keys in the form, too: whatever was changed there is a change of the text.
  #backOrForth(event) {
    const key = event.key.toLowerCase(), isMod = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (!isMod || !['z', 'y'].includes(key) || !this.data.writable || !this.form.element.contains(event.target)) return;
    event.preventDefault();
    this.form.redraw.stop();
    if (key === 'y' || event.shiftKey) this.yaml.redo(); else this.yaml.undo();
  }

  #recover(left) {
    this.yaml.replace(left.text);
    this.form.say(this.t('recovered'));
    this.notice.replaceChildren(h('p', { class: 'notice notice-info' }, this.t('recovered')));
    if (left.base !== this.data.sha256) { this.store.base = left.base; this.store.save(); }
  }

  changed(text, isByForm) {
    if (!isByForm) this.read();
    this.check();
    this.store.changed();
    const [back, forth] = this.yaml.depths;
    this.undoButton.disabled = !back;
    this.redoButton.disabled = !forth;
    for (const key of new Set([this.opened, 'examples'])) this.mounted?.[key]?.update?.();
    this.bus.dispatchEvent(new CustomEvent('textchange', { detail: { text } }));
  }

  // The form has changed the document: the text follows.
  byForm(source) {
    this.source = source;
    this.yaml.replace(source.text);
  }

  // The text was changed: the form follows.
  readText() {
    if (this.yaml.text === this.source.text) { this.form.show(this.source); return; }
    this.source = new Source(this.yaml.text, this.source);
    this.form.show(this.source);
  }

  mode(mode) {
    this.main.dataset.mode = mode;
    try { localStorage.setItem('duban-editor-mode', mode); } catch { /* not remembered */ }
    for (const one of this.modes.children) one.setAttribute('aria-pressed', String(one.id === `mode-${mode}`));
    this.yaml.view.requestMeasure();
  }

  // -- findings -----------------------------------------------------------------------------------------------------

  async runCheck() {
    const text = this.yaml.text, answer = await this.store.request(this.data.addresses.check, { body: text, headers: { 'Content-Type': 'application/yaml' } });
    if (!answer?.found || text !== this.yaml.text) return;
    this.findings = answer.found.findings;
    if (this.source.text !== text) { this.read.stop(); this.readText(); }
    this.form.showFindings(this.findings);
    this.showFindings();
    this.bus.dispatchEvent(new CustomEvent('findings', { detail: { findings: this.findings } }));
  }

  showFindings() {
    const { t } = this, errors = this.findings.filter(one => one.level === 'error').length, others = this.findings.length - errors;
    this.count.replaceChildren(...[errors && h('span', { class: 'tag tag-bad' }, t('errors', { count: errors })), others && h('span', { class: 'tag tag-warn' }, t('warnings', { count: others })), this.form.failing.length > 0 && h('span', { class: 'tag tag-bad' }, t('examples_failing', { count: this.form.failing.length })), !this.form.wrong.length && h('span', { class: 'tag tag-good' }, t('sound'))].filter(Boolean));
    this.yaml.mark(this.findings, this.source);
    const entry = one => h('li', {}, h('span', { class: `tag tag-${one.level === 'error' ? 'bad' : 'warn'}` }, t(one.level === 'error' ? 'error' : 'doubtful')), ' ',
      h('button', { type: 'button', class: 'ed-link', onclick: () => this.goTo(one) }, t('line', { number: one.line })), ` ${one.message} `, h('code', { class: 'muted' }, one.code),
      one.params?.near && this.data.writable && [' ', textButton(t('use', { name: one.params.near }), () => { const [from, to] = spanOf(one, this.source, this.yaml.view.state.doc); fix(this.yaml.view, one, from, to); })]);
    const example = one => h('li', {}, h('span', { class: 'tag tag-bad' }, t('error')), ' ', one.message, ' ', h('button', { type: 'button', class: 'ed-link', onclick: () => { if (this.main.dataset.mode === 'yaml') this.mode('form'); this.form.reveal(one.path); } }, t('show_example')));
    this.panels.findings.replaceChildren(this.form.wrong.length ? h('ul', { class: 'findings' }, this.findings.map(entry), this.form.failing.map(example)) : h('p', { class: 'nothing' }, t('no_findings')));
  }

  goTo(finding) {
    if (this.main.dataset.mode === 'form' && !this.source.error) this.form.reveal(finding.path);
    else this.yaml.goTo(finding, this.source);
  }

  // -- saving ---------------------------------------------------------------------------------------------------------

  told(state, more = {}) {
    const { t } = this, isSame = this.lastState === state;
    this.lastState = state;
    this.state.textContent = ['saved', 'saving', 'unsaved', 'read_only'].includes(state) ? t(state) : t('unsaved');
    this.state.dataset.state = state;
    if (['saved', 'saving', 'unsaved', 'read_only'].includes(state)) { if (state === 'saved') this.notice.replaceChildren(); return; }
    if (isSame && state !== 'overtaken') return;
    const text = state === 'overtaken' ? more.message : state === 'not_saved' ? t(state, more) : t(state);
    const box = h('div', { class: 'notice notice-bad', 'data-notice': state }, h('p', {}, text));
    if (state === 'signed_out') box.append(h('p', {}, h('a', { class: 'btn btn-outline', href: this.data.addresses.sign_in, target: '_blank', rel: 'opener' }, t('sign_in'))));
    this.notice.replaceChildren(box);
    if (state === 'overtaken') this.#overtaken(box, more);
  }

  async #overtaken(box, theirs) {
    const { conflict } = await import('./conflict.js');
    const done = () => this.notice.replaceChildren();
    conflict({
      place: box, t: this.t, language: this.data.language, theirs: theirs.text, mine: () => this.yaml.text,
      takeTheirs: () => { done(); this.store.saved = theirs.text; this.yaml.replace(theirs.text); this.readText(); this.store.goOn(theirs.sha256, theirs.text); this.told('saved'); },
      keepMine: () => this.#keepMine(),
      saveMerged: text => { done(); this.yaml.replace(text); this.readText(); this.store.goOn(theirs.sha256, theirs.text); this.store.save(); },
    });
  }

  async #keepMine() {
    const answer = await this.store.request(this.data.addresses.copy, { body: this.yaml.text, headers: { 'Content-Type': 'application/yaml' } });
    if (answer?.found?.address) { this.store.forget(); this.store.saved = this.yaml.text; location.assign(answer.found.address); return; }
    this.notice.prepend(h('p', { class: 'notice notice-bad' }, this.t('not_saved', { why: answer?.found?.message ?? this.t('server_away') })));
  }

  // Questions of the form to the server; what it refuses comes back with its `message`.
  async ask(what, given, year) {
    const isText = what === 'year', address = this.data.addresses[what] + (isText ? year : '');
    const answer = await this.store.request(address, { body: isText ? given : JSON.stringify(given), headers: { 'Content-Type': isText ? 'application/yaml' : 'application/json' } });
    return answer?.found && (answer.status === 200 || answer.found.message) && (answer.status === 200 || what !== 'worked') ? answer.found : null;
  }
}

// Saving as one types. What the server does not have yet is kept in this browser; nothing that somebody else wrote is
// overwritten; who was signed out, or whose server is away, goes on where he was.
import { later } from './dom.js';

const PAUSE = 1200, RETRY = 4000;

export class Store {
  // `told(state, more)`: saved, unsaved, saving, signed_out, server_away, overtaken, not_saved, draft_closed.
  constructor({ data, text, told }) {
    Object.assign(this, { data, text, told, base: data.sha256, kept: `duban-draft-${data.draft}`, saved: data.text, token: document.querySelector('input[name=csrf_token]')?.value ?? '' });
    this.running = null;
    this.stopped = false;
    this.unanswered = new Set();
    this.soon = later(() => this.save(), PAUSE);
    this.again = later(() => this.save(), RETRY);
  }

  // What was typed here before and is not on the server: {text, base}; null: nothing.
  leftOver() {
    try {
      const found = JSON.parse(localStorage.getItem(this.kept) ?? 'null');
      return found && found.text !== this.saved ? found : null;
    } catch { return null; }
  }

  changed() {
    if (this.text() === this.saved) {
      this.forget();
      return this.stopped || this.running ? undefined : this.#state('saved');
    }
    this.keep();
    if (this.stopped) return undefined;
    this.told('unsaved');
    this.soon();
    return undefined;
  }

  keep() {
    try { localStorage.setItem(this.kept, JSON.stringify({ text: this.text(), base: this.base, at: Date.now() })); } catch { /* no room, or not allowed: the server has it in a moment */ }
  }

  forget() {
    try { localStorage.removeItem(this.kept); } catch { /* there was none */ }
  }

  async save() {
    if (!this.data.writable || this.stopped) return;
    if (this.running) { this.soon(); return; }
    const text = this.text();
    if (text === this.saved) { this.told('saved'); return; }
    this.soon.stop();
    this.told('saving');
    this.running = this.#send(text);
    try { await this.running; } finally { this.running = null; }
    if (this.text() !== this.saved && !this.stopped && this.state === 'saved') this.soon();
  }

  // Saves what is there now, at once; whether the server has all of it.
  async flush() {
    await this.running;
    await this.save();
    return this.text() === this.saved;
  }

  async #send(text) {
    const answer = await this.request(this.data.addresses.write, { body: text, headers: { 'Content-Type': 'application/yaml', 'If-Match': `"${this.base}"` } });
    // The server may have written it and was away before it could say so.
    if (answer === null) { this.unanswered.add(text); return this.#state('server_away', {}, true); }
    if (answer.isSignedOut) return this.#state('signed_out', {}, true);
    const found = answer.found ?? {};
    if (answer.status === 200) {
      this.base = found.sha256;
      this.saved = text;
      this.unanswered.clear();
      if (this.text() === text) this.forget();
      return this.#state(this.text() === text ? 'saved' : 'saved');
    }
    if (found.code === 'overtaken' && this.unanswered.has(found.text)) {
      Object.assign(this, { base: found.sha256, saved: found.text });
      this.unanswered.clear();
      return this.#send(this.text());
    }
    if (found.code === 'overtaken') { this.stopped = true; return this.#state('overtaken', found); }
    if (found.code === 'draft-state') { this.stopped = true; return this.#state('draft_closed', found); }
    if (answer.status >= 500 || answer.status === 429) return this.#state('server_away', {}, true);
    return this.#state('not_saved', { why: found.message ?? String(answer.status) });
  }

  #state(state, more = {}, isTriedAgain = false) {
    this.state = state;
    this.told(state, more);
    if (isTriedAgain) this.again();
  }

  // Somebody else's text was taken, or this one is to be saved over it.
  goOn(sha256, saved) {
    Object.assign(this, { base: sha256, saved, stopped: false });
    this.changed();
  }

  // A request to the server: {status, found, isSignedOut}; null: the server cannot be reached. A token that was renewed by
  // signing in elsewhere is asked for once.
  async request(address, { body, headers = {}, method = 'POST' }, isSecond = false) {
    let answer;
    try {
      answer = await fetch(address, { method, body, headers: { ...headers, 'X-CSRFToken': this.token }, redirect: 'manual', credentials: 'same-origin' });
    } catch { return null; }
    if (answer.type === 'opaqueredirect') return { isSignedOut: true, status: 401 };
    const isJson = (answer.headers.get('Content-Type') ?? '').includes('json');
    if (answer.status === 400 && !isJson && !isSecond) {
      const renewed = await this.request(this.data.addresses.standing, { method: 'GET' }, true);
      if (renewed === null || renewed.isSignedOut) return renewed;
      this.token = renewed.found?.token ?? this.token;
      return this.request(address, { body, headers, method }, true);
    }
    return { status: answer.status, found: isJson ? await answer.json() : null };
  }
}

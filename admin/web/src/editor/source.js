// A document's text, read part by part: each key of its first level is parsed on its own, and not again while its text stays
// the same, so that a keystroke costs one part and not the whole document.
import { LineCounter, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';

// `compat`: what YAML 1.1 would read as something else (on, 12:30) is quoted when it is written.
export const OPTIONS = { compat: 'yaml-1.1', logLevel: 'silent', prettyErrors: true };
const KEY_LINE = /^[^\s#].*$/gm;

export class Source {
  // `before`: the source that this text came from; its parts are taken over where they are the same.
  constructor(text, before = null) {
    this.text = text;
    this.error = null;
    this.parts = [];
    this.value = {};
    const known = new Map((before ? before.parts : []).map(part => [part.text, part]));
    if (!this.#split(known)) this.#whole();
    if (!this.error) for (const part of this.parts) Object.assign(this.value, part.value);
  }

  #split(known) {
    const starts = [];
    for (const found of this.text.matchAll(KEY_LINE)) starts.push(found.index);
    if (!starts.length || /^(---|\.\.\.|%|[-{[?&*!|>])/m.test(this.text)) return false;
    const begins = starts.map((start, i) => (i ? lead(this.text, start) : 0));
    const names = new Set();
    for (let i = 0; i < begins.length; i++) {
      const from = begins[i], text = this.text.slice(from, begins[i + 1] ?? this.text.length);
      const part = known.get(text) ?? read(text);
      if (!part || names.has(part.key)) return false;
      names.add(part.key);
      this.parts.push({ ...part, from });
    }
    return true;
  }

  // What is not a plain map of keys, or has an error: read as one, which also gives the error its place.
  #whole() {
    this.parts = [];
    const lines = new LineCounter(), doc = parseDocument(this.text, { ...OPTIONS, lineCounter: lines });
    const bad = doc.errors[0];
    if (bad) this.error = { line: bad.linePos ? bad.linePos[0].line : 1, why: bad.message.split('\n')[0].replace(/ at line \d+.*$/, '') };
    else if (doc.contents !== null && !isMap(doc.contents)) this.error = { line: 1, why: 'not a map' };
    else this.parts = [{ key: null, text: this.text, doc, value: doc.toJS() ?? {}, from: 0 }];
  }

  part(path) {
    return this.parts.find(part => part.key === null || part.key === path[0]) ?? null;
  }

  // The node at a path, with the offset of its part; null: there is none.
  node(path) {
    const part = this.part(path);
    if (!part) return null;
    const node = path.length ? part.doc.getIn(path, true) : part.doc.contents;
    return node === undefined || node === null ? null : { node, part };
  }

  get(path) {
    return path.reduce((value, step) => (value === null || typeof value !== 'object' ? undefined : value[step]), this.value);
  }

  // Where the value at a path stands in the text; of the nearest one above that is there.
  range(path) {
    for (let n = path.length; n > 0; n--) {
      const found = this.node(path.slice(0, n));
      if (found && found.node.range) return found.node.range.slice(0, 2).map(at => at + found.part.from);
      const key = this.keyRange(path.slice(0, n));
      if (key) return key;
    }
    return [0, 0];
  }

  keyRange(path) {
    const part = this.part(path), above = part && part.doc.getIn(path.slice(0, -1), true);
    const map = path.length === 1 && part ? part.doc.contents : above;
    if (!isMap(map)) return null;
    const pair = map.items.find(one => keyOf(one) === String(path.at(-1)));
    return pair && pair.key.range ? [pair.key.range[0] + part.from, pair.key.range[1] + part.from] : null;
  }

  // The path of what stands at a place, and whether it is a key.
  pathAt(pos) {
    const part = this.parts.findLast(one => one.from <= pos);
    return part ? at(part.doc.contents, pos - part.from, []) : { path: [], isKey: false };
  }
}

export const keyOf = pair => String(isScalar(pair.key) ? pair.key.source ?? pair.key.value : pair.key);

// Where the comment lines begin that stand directly above a line.
function lead(text, start) {
  while (start > 0) {
    const before = text.lastIndexOf('\n', start - 2) + 1;
    if (!/^(#.*)?$/.test(text.slice(before, start - 1))) break;
    start = before;
  }
  return start;
}

function read(text) {
  const doc = parseDocument(text, OPTIONS);
  if (doc.errors.length || !isMap(doc.contents) || doc.contents.items.length !== 1) return null;
  return { key: keyOf(doc.contents.items[0]), text, doc, value: doc.toJS() };
}

function at(node, pos, path) {
  const inside = one => one && one.range && one.range[0] <= pos && pos <= one.range[1];
  if (isMap(node)) {
    for (const pair of node.items) {
      if (inside(pair.key)) return { path: [...path, keyOf(pair)], isKey: true };
      if (inside(pair.value)) return at(pair.value, pos, [...path, keyOf(pair)]);
    }
    const above = node.items.findLast(pair => pair.key.range && pair.key.range[0] <= pos);
    return { path: above ? [...path, keyOf(above)] : path, isKey: false };
  }
  if (isSeq(node)) {
    const i = node.items.findIndex(item => inside(isPair(item) ? item.key : item));
    if (i >= 0) return at(node.items[i], pos, [...path, i]);
  }
  return { path, isKey: false };
}

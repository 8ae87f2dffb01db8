// Edits of a document as the smallest change of its text, so that comments, order and the way of writing stay. Every result is
// read again and compared with what was meant; where the small change is not possible, its part of the document is written anew.
import { Lexer, isCollection, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { OPTIONS, Source, keyOf } from './source.js';
import { blockText, flowText, isObject, keyText } from './writing.js';

// An edit is one of
//   {do: 'set', path, value, at?}  the value, or a new key (`at`: before which of its neighbours)
//   {do: 'insert', path, at, value}  an item of the list at the path
//   {do: 'delete', path}   {do: 'rename', path, key}   {do: 'move', path, from, to}
// Gives the source after it; null when it cannot be done.
export function edited(source, edit) {
  const wanted = applied(source.value, edit);
  for (const way of [smallest, inPart]) {
    let text = null;
    try { text = way(source, edit); } catch (problem) { if (!(problem instanceof NotHere)) throw problem; }
    if (text === null) continue;
    const after = new Source(text, source);
    if (!after.error && same(after.value, wanted) && keeps(source, after, edit)) return after;
  }
  return null;
}

// A smallest change cannot be made here.
class NotHere extends Error {}
function here(value) { if (value === null || value === undefined || value === false) throw new NotHere(); return value; }

// -- the values that are meant ------------------------------------------------------------------------------------

export function applied(value, edit) {
  const path = edit.do === 'insert' || edit.do === 'move' ? edit.path : edit.path.slice(0, -1);
  return within(value, path, inner => changed(inner, edit));
}

function within(value, path, change) {
  if (!path.length) return change(value);
  const [step, ...rest] = path;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[step] = within(copy[step], rest, change);
  return copy;
}

function changed(value, edit) {
  const last = edit.path.at(-1);
  if (Array.isArray(value)) {
    const list = [...value];
    if (edit.do === 'insert') list.splice(edit.at, 0, edit.value);
    if (edit.do === 'move') list.splice(edit.to, 0, ...list.splice(edit.from, 1));
    if (edit.do === 'delete') list.splice(last, 1);
    if (edit.do === 'set') list[last] = edit.value;
    return list;
  }
  let pairs = Object.entries(value ?? {});
  const at = pairs.findIndex(([key]) => key === String(last));
  if (edit.do === 'move') pairs.splice(edit.to, 0, ...pairs.splice(edit.from, 1));
  if (edit.do === 'delete') pairs = pairs.filter((_, i) => i !== at);
  if (edit.do === 'rename') pairs[at] = [edit.key, pairs[at][1]];
  if (edit.do === 'set' && at >= 0) pairs[at] = [pairs[at][0], edit.value];
  if (edit.do === 'set' && at < 0) pairs.splice(edit.at ?? pairs.length, 0, [String(last), edit.value]);
  return Object.fromEntries(pairs);
}

export function same(a, b) {
  if (a === b) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.keys(a), right = Object.keys(b);
  return left.length === right.length && left.every((key, i) => key === right[i] && same(a[key], b[key]));
}

// -- comments -----------------------------------------------------------------------------------------------------

export function comments(text) {
  const found = [];
  let isText = false;
  for (const token of new Lexer().lex(text)) {
    if (token[0] === '#' && !isText) found.push(token.trimEnd());
    isText = token === '\x1f';
  }
  return found.sort();
}

// No comment is lost, but those inside of what was taken away or replaced.
function keeps(before, after, edit) {
  const [old, now] = [before, after].map(source => {
    const part = source.part(edit.path);
    return comments(edit.path.length > (part?.key === null ? 0 : 1) && part ? part.text : source.text);
  });
  const replaced = edit.do === 'delete' || (edit.do === 'set' && isObject(before.get(edit.path)));
  const gone = replaced ? comments(textOf(before, edit.path)) : [];
  const rest = [...now];
  for (const one of old) {
    const i = rest.indexOf(one);
    if (i >= 0) rest.splice(i, 1);
    else if (gone.includes(one)) gone.splice(gone.indexOf(one), 1);
    else return false;
  }
  return true;
}

// The text of what stands at a path, with what follows on its last line.
function textOf(source, path) {
  const key = source.keyRange(path), [from, to] = source.range(path);
  const end = source.text.indexOf('\n', Math.max(from, to - 1));
  return source.text.slice(key ? key[0] : from, end < 0 ? source.text.length : Math.max(end, to));
}

// -- the smallest change ------------------------------------------------------------------------------------------

function smallest(source, edit) {
  const path = edit.do === 'insert' || edit.do === 'move' ? edit.path : edit.path.slice(0, -1);
  if (!path.length) return firstLevel(source, edit);
  const found = here(source.node(path));
  const place = new Place(source, found, path);
  if (edit.do === 'move') return place.move(edit.from, edit.to);
  if (edit.do === 'insert') return found.node.items?.length ? place.insert(edit.at, '', edit.value) : replace(source, path, [edit.value]);
  const i = place.index(edit.path.at(-1));
  if (edit.do === 'rename') return place.rename(here(i >= 0) && i, edit.key);
  if (edit.do === 'delete') return place.items.length > 1 ? place.remove(i) : replace(source, path, isSeq(found.node) ? [] : {});
  if (i >= 0) return replace(source, edit.path, edit.value);
  if (!isMap(found.node)) here(null);
  return place.items.length ? place.insert(edit.at ?? place.items.length, edit.path.at(-1), edit.value) : replace(source, path, { [edit.path.at(-1)]: edit.value });
}

const splice = (text, from, to, insert) => text.slice(0, from) + insert + text.slice(to);
const lineStart = (text, at) => text.lastIndexOf('\n', at - 1) + 1;
const lineEnd = (text, at) => { const end = text.indexOf('\n', at); return end < 0 ? text.length : end; };

// The document's own keys: parts are put in, taken out and moved as a whole.
function firstLevel(source, edit) {
  const { parts, text } = source, last = edit.path.at(-1);
  here(parts.every(part => part.key !== null) || null);
  const i = parts.findIndex(part => part.key === last);
  if (edit.do === 'set' && i >= 0) return replace(source, edit.path, edit.value);
  if (edit.do === 'rename') { const [from, to] = here(source.keyRange(edit.path)); return splice(text, from, to, keyText(edit.key)); }
  if (edit.do === 'set') {
    const at = Math.min(edit.at ?? parts.length, parts.length), place = at < parts.length ? parts[at].from : text.length;
    const made = `${keyText(last)}:${blockText(edit.value, '  ', { isLarge: isObject(edit.value) && !('zh' in edit.value) })}\n`;
    return splice(text, place, place, (place && text[place - 1] !== '\n' ? '\n' : '') + made);
  }
  if (edit.do === 'delete') {
    const { from, text: own } = parts[i], [key] = source.keyRange(edit.path);
    return splice(text, Math.max(from, lineStart(text, key)), from + own.length, /\n$/.test(own) ? trailing(own) : '');
  }
  return here(null);
}

// Comment lines of column 0 that end a part stay: they are headings of what follows.
const trailing = own => (own.match(/(?:\n(?:#.*)?)*$/)[0].replace(/^\n/, ''));

// Put another value in the place of the one at the path.
function replace(source, path, value) {
  const { text } = source, { node, part } = source.node(path) ?? {}, key = source.keyRange(path);
  const above = source.node(path.slice(0, -1)), base = part?.from ?? 0;
  const inFlow = insideFlow(source, path);
  if (node?.range && isScalar(node) && !isObject(value) && !/^BLOCK/.test(node.type) && !String(value).includes('\n')) {
    const [from, to] = node.range.map(at => at + base);
    const made = inFlow ? flowText(value, node.type) : blockText(value, '', { type: node.type }).trimStart();
    return splice(text, from, to, (from === to && /\S/.test(text[from - 1] ?? '') ? ' ' : '') + made);
  }
  if (node?.range && (inFlow || (node.flow && isObject(value) && flowText(value).length <= 110)))
    return splice(text, node.range[0] + base, node.range[1] + base, flowText(value));
  if (path.length && key && isMap(path.length > 1 ? above?.node : part?.doc.contents)) return afterKey(source, path, key, node, value, base);
  return here(null);
}

// `key:` of a block map and what stands behind it.
function afterKey(source, path, key, node, value, base) {
  const { text } = source, colon = here(text.indexOf(':', key[1]) + 1);
  const start = node?.range ? node.range[0] + base : colon, end = node ? contentEnd(text, node, base) : colon;
  const between = text.slice(colon, Math.max(start, colon)), header = /^BLOCK/.test(node?.type ?? '') ? text.slice(start, lineEnd(text, start)) : '';
  const remark = (between + header).match(/[ \t]+#[^\n]*/)?.[0] ?? '';
  here(between.replace(/#[^\n]*/, '').trim() === '' && !/#[^\n]*\n[^]*#/.test(between));
  const indent = ' '.repeat(key[0] - lineStart(text, key[0])).replace(/^/, '') + '  ';
  const made = blockText(value, indent, { isLarge: isCollection(node) && !node.flow });
  const lines = made.split('\n'), till = Math.max(end, colon);
  // What stays behind a value of several lines would become part of it.
  const tail = lines.length > 1 ? text.slice(till, lineEnd(text, till)) : '';
  here(!tail.trim() || /^\s+#/.test(tail));
  return splice(text, colon, till + tail.length, [lines[0] + remark + tail.trimEnd(), ...lines.slice(1)].join('\n'));
}

function insideFlow(source, path) {
  for (let n = path.length - 1; n > 0; n--) if (source.node(path.slice(0, n))?.node.flow) return true;
  return false;
}

// Where the last character of a node stands: a block collection's own range goes on to the next line.
function contentEnd(text, node, base) {
  if (isCollection(node) && !node.flow && node.items.length) {
    const last = node.items.at(-1), value = isMap(node) ? last.value ?? last.key : last;
    if (isMap(node) && (!last.value || !last.value.range)) return text.indexOf(':', last.key.range[1] + base) + 1;
    return value?.range ? contentEnd(text, value, base) : node.range[1] + base;
  }
  let end = node.range[1] + base;
  while (end > 0 && /\s/.test(text[end - 1]) && end > node.range[0] + base) end--;
  return end;
}

// A collection in the text, and its items: where each begins and ends.
class Place {
  constructor(source, { node, part }, path) {
    Object.assign(this, { text: source.text, node, path, base: part.from });
    here(isCollection(node));
    this.inFlow = Boolean(node.flow) || insideFlow(source, [...path, '']);
    this.items = node.items.map(item => this.#span(item));
  }

  #span(item) {
    const isPair = isMap(this.node), first = isPair ? item.key : item;
    here(first?.range);
    let from = first.range[0] + this.base;
    const value = isPair ? item.value : item;
    const to = value?.range ? contentEnd(this.text, value, this.base) : item.key.range[1] + this.base;
    if (!isPair && !this.inFlow) {
      const dash = this.text.slice(lineStart(this.text, from), from).match(/-[ \t]+$/);
      here(dash);
      from -= dash[0].length;
    }
    const colon = isPair && to <= item.key.range[1] + this.base + 1 ? this.text.indexOf(':', item.key.range[1] + this.base) + 1 : to;
    return { from, to: Math.max(to, this.inFlow ? to : colon) };
  }

  index(step) {
    return isMap(this.node) ? this.node.items.findIndex(pair => keyOf(pair) === String(step)) : step < this.items.length ? Number(step) : -1;
  }

  rename(i, key) {
    const [from, to] = this.node.items[i].key.range.map(at => at + this.base);
    return splice(this.text, from, to, keyText(key, this.inFlow));
  }

  insert(at, key, value) {
    const { text, items } = this;
    if (this.inFlow) {
      const made = (isMap(this.node) ? `${keyText(key, true)}: ` : '') + flowText(value);
      return at > 0 ? splice(text, items[at - 1].to, items[at - 1].to, `, ${made}`) : splice(text, items[0].from, items[0].from, `${made}, `);
    }
    const indent = ' '.repeat(items[0].from - lineStart(text, items[0].from));
    const body = blockText(value, `${indent}  `);
    const made = isMap(this.node) ? `${keyText(key)}:${body}` : `-${body.startsWith('\n') ? ` ${body.trimStart()}` : body}`;
    if (at === 0) return splice(text, items[0].from, items[0].from, `${made}\n${indent}`);
    const end = lineEnd(text, items[at - 1].to);
    return splice(text, end, end, `\n${indent}${made}`);
  }

  remove(i) {
    const { text, items } = this, { from, to } = items[i];
    if (this.inFlow) return i ? splice(text, items[i - 1].to, to, '') : splice(text, from, items[1].from, '');
    const start = lineStart(text, from), isAlone = !text.slice(start, from).trim();
    if (isAlone) return splice(text, start, Math.min(lineEnd(text, to) + 1, text.length), '');
    here(i === 0 && !/#/.test(text.slice(lineEnd(text, to), items[1].from)));
    return splice(text, from, items[1].from, '');
  }

  move(from, to) {
    const { text, items } = this, order = items.map((_, i) => i);
    order.splice(to, 0, ...order.splice(from, 1));
    if (this.inFlow) return this.#arranged(order, items);
    const isCompact = text.slice(lineStart(text, items[0].from), items[0].from).trim() !== '';
    // The comment directly above a line goes with it; that above the first one may be the heading of all.
    const spans = items.map((item, i) => ({
      from: isCompact || i === 0 ? item.from : this.#lead(item.from),
      to: lineEnd(text, item.to),
    }));
    return this.#arranged(order, spans);
  }

  #lead(from) {
    const { text } = this;
    let start = lineStart(text, from), found = from;
    while (start > 0) {
      const before = lineStart(text, start - 1), line = text.slice(before, start - 1);
      if (!/^\s*#/.test(line)) break;
      found = before + line.search(/#/);
      start = before;
    }
    return found;
  }

  // The same text with the spans in another order; what is between them stays where it is.
  #arranged(order, spans) {
    const { text } = this;
    let made = text.slice(0, spans[0].from);
    order.forEach((which, i) => {
      made += text.slice(spans[which].from, spans[which].to);
      made += text.slice(spans[i].to, spans[i + 1]?.from ?? text.length);
    });
    return made;
  }
}

// -- a part written anew ------------------------------------------------------------------------------------------

function inPart(source, edit) {
  const part = source.part(edit.path);
  if (!part || (edit.path.length < 2 && edit.do !== 'insert' && edit.do !== 'move' && part.key !== null)) return null;
  const doc = parseDocument(part.text, OPTIONS);
  const at = edit.do === 'insert' || edit.do === 'move' ? edit.path : edit.path.slice(0, -1);
  const holder = at.length ? doc.getIn(at, true) : doc.contents, last = edit.path.at(-1);
  if (!isCollection(holder)) {
    doc.setIn(at, doc.createNode(changed(holder?.toJSON?.() ?? null, edit)));
  } else {
    const i = isMap(holder) ? holder.items.findIndex(pair => keyOf(pair) === String(last)) : last;
    if (edit.do === 'move') holder.items.splice(edit.to, 0, ...holder.items.splice(edit.from, 1));
    if (edit.do === 'insert') holder.items.splice(edit.at, 0, doc.createNode(edit.value));
    if (edit.do === 'delete') holder.items.splice(i, 1);
    if (edit.do === 'rename') holder.items[i].key.value = edit.key, delete holder.items[i].key.source;
    if (edit.do === 'set' && isMap(holder) && i < 0) holder.items.splice(edit.at ?? holder.items.length, 0, doc.createPair(last, edit.value));
    else if (edit.do === 'set') set(doc, edit.path, edit.value);
  }
  const text = doc.toString({ lineWidth: 0, flowCollectionPadding: false });
  return splice(source.text, part.from, part.from + part.text.length, text);
}

function set(doc, path, value) {
  const old = doc.getIn(path, true);
  if (isScalar(old) && !isObject(value)) old.value = value;
  else {
    const node = doc.createNode(value);
    if (old) Object.assign(node, { comment: old.comment, commentBefore: old.commentBefore });
    doc.setIn(path, node);
  }
}

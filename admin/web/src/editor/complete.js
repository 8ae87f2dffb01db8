// Completion and hover in the YAML: from the schema, and from the names that the document and the directory have.
import { hoverTooltip } from '@codemirror/view';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { deref, schemasAt } from './schema.js';
import { namesFor } from './inputs.js';
import { Source } from './source.js';
import { h } from './dom.js';

const MARK = '\u2063\u2063';
const KEY_START = /^[^\s#]/;

// Where the cursor stands: the path above it, whether a key or a value is being written, and the keys that are there. A mark is
// put at the cursor and looked for in what is read; only the part of the document around it is read.
export function locate(text, pos) {
  let start = text.lastIndexOf('\n', pos - 1) + 1;
  while (start > 0 && !KEY_START.test(text.slice(start, start + 1))) start = text.lastIndexOf('\n', start - 2) + 1;
  let end = pos;
  do { end = text.indexOf('\n', end) + 1; } while (end > 0 && !KEY_START.test(text.slice(end, end + 1)) && end < text.length);
  const part = text.slice(start, end > 0 ? end : text.length), at = pos - start;
  const line = part.slice(part.lastIndexOf('\n', at - 1) + 1, at);
  const from = at - line.match(/[^\s,[\]{}:"'#]*(:[^\s,[\]{}:"'#]+)*$/)[0].length;
  let to = at;
  while (to < part.length && /[^\s,[\]{}:#]/.test(part[to])) to++;
  for (const suffix of ['', ': x']) {
    const doc = parseDocument(part.slice(0, from) + MARK + suffix + part.slice(to), { logLevel: 'silent' });
    const found = find(doc.contents, []);
    if (found && (found.isKey || !suffix)) return { ...found, from: from + start, to: to + start };
  }
  return null;
}

function find(node, path) {
  if (isMap(node)) {
    for (const pair of node.items) {
      const key = String(pair.key?.value ?? '');
      if (key.includes(MARK)) return { path, isKey: true, present: node.items.map(one => String(one.key?.value ?? '')) };
      const found = find(pair.value, [...path, key]);
      if (found) return found;
    }
  } else if (isSeq(node)) {
    for (let i = 0; i < node.items.length; i++) { const found = find(node.items[i], [...path, i]); if (found) return found; }
  } else if (isScalar(node) && String(node.value).includes(MARK)) return { path, isKey: false, present: [] };
  return null;
}

export function completions(form) {
  return context => {
    const text = context.state.doc.toString(), found = locate(text, context.pos);
    if (!found) return null;
    const source = new Source(text, form.source);
    if (!source.error) form.names.of(source.value);
    const before = context.state.sliceDoc(Math.max(0, context.pos - 2), context.pos);
    if (!context.explicit && found.from === context.pos && !/[:\-[,{]\s$/.test(before)) return null;
    const options = new Map(), schemas = schemasAt(form.root, found.path);
    if (!found.isKey) values(form, schemas, found.path, options);
    if (found.isKey || !options.size || schemas.some(one => one.properties || one.propertyNames)) keys(form, schemas, found.present, options);
    return options.size ? { from: found.from, to: found.to, options: [...options.values()], validFor: /^[^\s,[\]{}"']*$/ } : null;
  };
}

function keys(form, schemas, present, options) {
  for (const s of schemas) {
    for (const [key, one] of Object.entries(s.properties ?? {})) {
      if (present.includes(key)) continue;
      const about = deref(form.root, one);
      add(options, key, { type: 'property', detail: about.title, info: about.description, boost: s.required?.includes(key) ? 9 : 0, apply: `${key}: ` });
    }
    const names = deref(form.root, s.propertyNames ?? {});
    for (const one of names['x-names'] ? form.names.list(names['x-names']) : []) if (!present.includes(one.name)) add(options, one.name, { type: 'property', detail: one.title, apply: `${one.name}: ` });
  }
}

function values(form, schemas, path, options) {
  const test = path.at(-1) !== 'field' ? form.get(path.slice(0, -1)) : null, field = test?.field && form.names.fields()[test.field];
  for (const [name, title] of Object.entries(field?.options ?? {})) add(options, name, { type: 'enum', detail: title });
  for (const s of schemas) {
    for (const one of s['x-names'] ? namesFor(form, s) : []) add(options, one.name, { type: 'variable', detail: one.title === one.name ? '' : one.title });
    for (const one of s.enum ?? []) add(options, String(one), { type: 'enum', detail: s['x-labels']?.[one] });
    if ('const' in s) add(options, String(s.const), { type: 'enum' });
    for (const one of s['x-names'] ? [] : s.examples ?? []) add(options, String(one), { type: 'text' });
    if ([].concat(s.type ?? []).includes('boolean') && [].concat(s.type).length === 1) for (const one of ['true', 'false']) add(options, one, { type: 'keyword' });
  }
}

const add = (options, label, more) => options.has(label) || options.set(label, { label, ...more });

export const hovers = form => hoverTooltip((view, pos) => {
  const source = form.source;
  if (!source || source.error || source.text !== view.state.doc.toString()) return null;
  const { path } = source.pathAt(pos);
  const about = path.length && schemasAt(form.root, path).find(one => one.title || one.description);
  if (!about) return null;
  const [from, to] = source.keyRange(path) ?? source.range(path);
  const names = about['x-names'] && form.names.list(about['x-names']).find(one => one.name === source.get(path));
  return { pos: Math.min(from, pos), end: Math.max(to, pos), above: true, create: () => ({ dom: h('div', { class: 'ed-hover' }, h('b', {}, about.title ?? ''), about.description && h('div', {}, about.description), names && h('div', {}, `${names.name}: ${names.title}`), about.enum && h('code', {}, about.enum.join(' | '))) }) };
});

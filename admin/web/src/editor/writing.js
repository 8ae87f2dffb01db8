// Values as YAML text, in the manner of hand-written documents: what is small on one line, what is large line by line.
import { Document, isCollection, isMap, isScalar } from 'yaml';
import { OPTIONS } from './source.js';

const FORM = { lineWidth: 0, flowCollectionPadding: false, indentSeq: true };
const WIDEST = 90;

export const isObject = value => value !== null && typeof value === 'object';

function written(value, prepare) {
  const doc = new Document(value, OPTIONS);
  prepare?.(doc.contents);
  return doc.toString(FORM);
}

// A value inside brackets, or wherever it has to stand on one line. `type`: how the text that it replaces was quoted.
export function flowText(value, type) {
  const text = written([value], list => {
    list.flow = true;
    keepQuotes(list.items[0], type);
  });
  return text.trimEnd().slice(1, -1);
}

// What follows `key:` at a level of indentation, or `-`: ` scalar`, ` {flow}`, or lines of their own.
export function blockText(value, indent, { type, isLarge = false } = {}) {
  if (!isObject(value)) return scalarText(value, indent, type);
  if (isSmall(value) && !isLarge) return ` ${flowText(value)}`;
  const text = written(value, root => spread(root, isLarge ? 1 : 0)).trimEnd();
  return `\n${text.split('\n').map(line => (line ? indent + line : line)).join('\n')}`;
}

function scalarText(value, indent, type) {
  const text = written({ k: value }, map => keepQuotes(map.items[0].value, type)).trimEnd().slice(2);
  return text.split('\n').map((line, i) => (i && line ? indent.slice(2) + line : line)).join('\n');
}

export const keyText = (key, inFlow) => (inFlow ? flowText(key) : written({ [key]: 1 }).trimEnd().slice(0, -3));

function keepQuotes(node, type) {
  if (isScalar(node) && typeof node.value === 'string' && /^QUOTE/.test(type ?? '')) node.type = type;
}

function isSmall(value) {
  const items = Object.values(value);
  return !items.length || (JSON.stringify(value).length <= WIDEST && !JSON.stringify(value).includes('\\n'));
}

// Small things in flow style; of what is large (`levels` say how deep at least) its members on lines of their own.
function spread(node, levels) {
  if (!isCollection(node)) return;
  node.flow = node.items.length === 0 || (levels < 1 && isSmall(node.toJSON()));
  if (node.flow) return;
  for (const item of node.items) spread(isMap(node) ? item.value : item, levels - 1);
}

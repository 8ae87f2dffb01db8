// The schema of a document: its nodes, what kind of input each has, and what a new value of it is.

export function deref(root, schema) {
  let found = schema ?? {};
  while (found.$ref) {
    const { $ref, ...own } = found;
    found = { ...root.$defs[$ref.slice('#/$defs/'.length)], ...own };
  }
  return found;
}

const types = schema => [].concat(schema.type ?? []);
const branches = (root, schema) => (schema.oneOf ?? []).map(one => deref(root, one));

// Which input a node has; every node of every schema has one (a test walks them).
export function inputOf(root, schema) {
  const s = deref(root, schema);
  if ('const' in s) return 'constant';
  const word = s['x-word'];
  if (word === 'condition') return 'condition';
  if (s.oneOf && !s.properties && !s.type) return unionOf(root, s, word);
  if (s.enum) return 'choice';
  const type = types(s);
  if (type.length > 1) return 'value';
  switch (type[0]) {
    case 'boolean': return 'boolean';
    case 'integer': case 'number': return 'number';
    case 'string': return stringInput(s, word);
    case 'array': return 'list';
    case 'null': return 'constant';
    case 'object': return s.properties && s.additionalProperties === false ? 'object' : s.propertyNames?.['x-word'] === 'date' ? 'dates' : 'map';
    default: return s.properties ? 'object' : s.oneOf ? unionOf(root, s, word) : 'value';
  }
}

function stringInput(s, word) {
  if (s['x-names']) return 'name';
  if (word === 'duration' || word === 'due') return 'duration';
  return 'string';
}

function unionOf(root, s, word) {
  if (word === 'text') return 'text';
  if (word === 'day_hours') return 'hours';
  const [one, two] = branches(root, s);
  if (s.oneOf.length === 2 && types(two)[0] === 'array' && !types(one).includes('array') && types(one)[0] === 'string') return 'several';
  return 'union';
}

// By severity: a map whose keys are severities.
export const isBySeverity = (root, schema) => deref(root, deref(root, schema).propertyNames)['x-names'] === 'severity';

// Which branch of a union a value has; the first one when there is no value.
export function branchOf(root, schema, value) {
  const list = branches(root, schema);
  if (value === undefined) return 0;
  const fit = list.findIndex(one => fits(root, one, value));
  return fit < 0 ? list.findIndex(one => fits(root, one, value, false)) : fit;
}

function fits(root, s, value, isStrict = true) {
  if ('const' in s) return s.const === value;
  if (s.oneOf && !s.type) return branches(root, s).some(one => fits(root, one, value, isStrict));
  if (s.enum && isStrict) return s.enum.includes(value);
  if (!types(s).includes(typeOf(value)) && !(typeOf(value) === 'integer' && types(s).includes('number'))) return false;
  if (typeOf(value) !== 'object' || !isStrict) return true;
  const keys = Object.keys(value);
  const named = !s.properties || s.additionalProperties !== false || keys.every(key => key in s.properties);
  return named && (s.required ?? []).every(key => keys.includes(key));
}

function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

// A new value, with what is required in it.
export function blank(root, schema, depth = 0) {
  const s = deref(root, schema);
  if ('const' in s) return s.const;
  if (s['x-word'] === 'text') return { zh: '', en: '' };
  if (s['x-word'] === 'condition') return { all: [] };
  if (s.oneOf && !s.properties && depth < 6) return blank(root, s.oneOf[0], depth + 1);
  if ('default' in s) return s.default;
  if (s.enum) return s.enum[0];
  switch (types(s)[0]) {
    case 'boolean': return false;
    case 'integer': case 'number': return s.minimum ?? 0;
    case 'null': return null;
    case 'array': return s.minItems && depth < 6 ? [blank(root, s.items, depth + 1)] : [];
    case 'object': return Object.fromEntries(required(root, s).map(key => [key, blank(root, s.properties?.[key], depth + 1)]));
    default: return (s.examples ?? [''])[0];
  }
}

// The keys that a new object begins with: those required, and one of those of which one is.
function required(root, s) {
  const own = s.required ?? [];
  const one = (s.oneOf ?? s.anyOf ?? [])[0]?.required ?? [];
  return [...new Set([...own, ...one])].filter(key => s.properties?.[key] || s.additionalProperties);
}

// The schema of what stands under a key or in a list.
export function inner(root, schema, step) {
  const s = deref(root, schema);
  if (typeof step === 'number') return s.items ?? null;
  if (s.properties && step in s.properties) return s.properties[step];
  return typeof s.additionalProperties === 'object' ? s.additionalProperties : null;
}

// Every schema that may hold at a path, unions and all.
export function schemasAt(root, path) {
  let found = alternatives(root, root);
  for (const step of path) found = found.flatMap(one => alternatives(root, inner(root, one, step)));
  return found;
}

function alternatives(root, schema, depth = 0) {
  if (!schema || depth > 8) return [];
  const s = deref(root, schema);
  return [s, ...(s.oneOf ?? []).filter(one => one.$ref || one.type || one.oneOf || 'const' in one).flatMap(one => alternatives(root, one, depth + 1))];
}

// Whether a key goes with the values beside it (`x-only-with`).
export function goesWith(schema, key, value) {
  const rules = schema['x-only-with']?.[key] ?? {};
  return Object.entries(rules).every(([other, allowed]) => typeof value?.[other] !== 'string' || allowed.includes(value[other]));
}

// Every node of every schema has an input, and a new value of it that the form can show.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { blank, deref, inputOf } from '../src/editor/schema.js';

const INPUTS = ['boolean', 'choice', 'condition', 'constant', 'dates', 'duration', 'hours', 'list', 'map', 'name', 'number', 'object', 'several', 'string', 'text', 'union', 'value'];
const schemas = JSON.parse(readFileSync(process.env.DUBAN_SCHEMAS, 'utf8'));

function walk(root, schema, path, visit, seen = new Set()) {
  const s = deref(root, schema), mark = schema.$ref ?? JSON.stringify(schema);
  visit(s, schema, path);
  if (seen.has(mark)) return;
  const deeper = new Set([...seen, mark]);
  for (const [key, one] of Object.entries(s.properties ?? {})) walk(root, one, [...path, key], visit, deeper);
  if (typeof s.additionalProperties === 'object') walk(root, s.additionalProperties, [...path, '*'], visit, deeper);
  if (s.items) walk(root, s.items, [...path, 0], visit, deeper);
  for (const one of s.oneOf ?? []) if (one.$ref || one.type || one.oneOf || 'const' in one) walk(root, one, [...path, '|'], visit, deeper);
}

for (const [kind, root] of Object.entries(schemas)) {
  test(`every node of ${kind} has an input`, () => {
    let count = 0;
    walk(root, root, [], (s, schema, path) => {
      count++;
      const input = inputOf(root, schema);
      assert.ok(INPUTS.includes(input), `${path.join('.')}: ${input}`);
      // Nothing falls through to a line of text by accident: the general inputs stand where the schema itself is general.
      if (input === 'value') assert.ok(Array.isArray(s.type) || s['x-word'] === 'value' || s['x-word'] === 'threshold', `${path.join('.')}: ${JSON.stringify(s).slice(0, 200)}`);
      assert.notEqual(blank(root, schema), undefined, path.join('.'));
    });
    assert.ok(count > 20, String(count));
  });
}

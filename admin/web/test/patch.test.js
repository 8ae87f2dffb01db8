// Random edits of shipped documents: each is done, loses no comment that it should keep, and changes few lines.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { Source } from '../src/editor/source.js';
import { comments, edited, same } from '../src/editor/patch.js';

const POLICIES = process.env.DUBAN_POLICIES ?? new URL('../../../policies/', import.meta.url).pathname;
const documents = readdirSync(POLICIES).filter(name => name.endsWith('.yaml')).map(name => [name, readFileSync(POLICIES + name, 'utf8')]);

function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NASTY = ['7d', 'x: y # z', '', 'true', '3.5', '- a', 'it\'s "q"', '中文: 值', 'null', '0x1F', '2026-01-01', 'yes', '12:30', '{a', 'a, b]', ' lead', 'two\nlines', '*x', '&y', '!z', '%', '@', '`', '~', '#', 'a #b', 'a: ', '<script>'];
const VALUES = [...NASTY, 5, 0.25, true, false, null, ['a', 'b, c'], { zh: '文', en: 'Text' }, { all: [{ field: 'x', is: 'y' }] }, [], {}];

function places(value, path = [], found = []) {
  found.push(path);
  if (value !== null && typeof value === 'object') for (const key of Object.keys(value)) places(value[key], [...path, Array.isArray(value) ? Number(key) : key], found);
  return found;
}

function anyEdit(source, next) {
  const pick = list => list[Math.floor(next() * list.length)];
  const paths = places(source.value).slice(1);
  if (!paths.length) return null;
  const path = pick(paths), value = source.get(path);
  const isList = Array.isArray(value), isMap = value !== null && typeof value === 'object' && !isList, size = isList || isMap ? Object.keys(value).length : 0;
  switch (pick(['set', 'set', 'delete', 'move', 'add', 'add', 'rename'])) {
    case 'delete': return { do: 'delete', path };
    case 'move': return size > 1 ? { do: 'move', path, from: Math.floor(next() * size), to: Math.floor(next() * size) } : null;
    case 'add':
      if (isList) return { do: 'insert', path, at: Math.floor(next() * (size + 1)), value: pick(VALUES) };
      return isMap ? { do: 'set', path: [...path, `new_${Math.floor(next() * 1e6)}`], value: pick(VALUES), at: Math.floor(next() * (size + 1)) } : null;
    case 'rename': return typeof path.at(-1) === 'string' ? { do: 'rename', path, key: `other_${Math.floor(next() * 1e6)}` } : null;
    default: return { do: 'set', path, value: pick(VALUES) };
  }
}

for (const [name, text] of documents) {
  test(`random edits of ${name}`, () => {
    for (let seed = 1; seed <= Number(process.env.SEEDS ?? 1); seed++) {
      const next = random(seed * 7919 + name.length);
      let source = new Source(text), done = 0;
      for (let i = 0; i < 40; i++) {
        const edit = anyEdit(source, next);
        if (!edit) continue;
        const after = edited(source, edit);
        assert.ok(after, `${name} seed ${seed} step ${i}: ${JSON.stringify(edit)}\n${source.text.length < 3000 ? source.text : ''}`);
        const replaces = edit.do === 'delete' || (edit.do === 'set' && source.get(edit.path) !== null && typeof source.get(edit.path) === 'object');
        if (!replaces) assert.deepEqual(comments(after.text), comments(source.text), `${name} seed ${seed} step ${i}: ${JSON.stringify(edit)}`);
        done++;
        const whole = new Source(`${after.text}`);
        assert.ok(same(whole.value, after.value), 'read in parts and as a whole');
        source = after;
      }
      if (done) assert.ok(!source.error);
    }
  });
}

test('a cell that changes changes nothing else', () => {
  const [, text] = documents.find(([name]) => name === 'complaint-monitoring.yaml');
  const source = new Source(text);
  const after = edited(source, { do: 'set', path: ['clocks', 'first_response', 'within', 'A'], value: '30m' });
  assert.equal(after.text, text.replace('within: {A: 1h, B: 4h, C: 24h}', 'within: {A: 30m, B: 4h, C: 24h}'));
});

test('an item that is put in leaves the aligned ones beside it as they are', () => {
  const text = 'fields:    # all\n  a:   {type: text}    # one\n  bcd: {type: date}\n# end\n';
  const after = edited(new Source(text), { do: 'set', path: ['fields', 'new'], value: { type: 'text' }, at: 1 });
  assert.equal(after.text, 'fields:    # all\n  a:   {type: text}    # one\n  new: {type: text}\n  bcd: {type: date}\n# end\n');
});

test('what is moved takes its comment along', () => {
  const text = 'clocks:\n  a: {on: x}    # of a\n  # about b\n  b:\n    on: y    # of b\n';
  const after = edited(new Source(text), { do: 'move', path: ['clocks'], from: 1, to: 0 });
  assert.deepEqual(Object.keys(after.value.clocks), ['b', 'a']);
  assert.deepEqual(comments(after.text), comments(text));
  assert.ok(after.text.indexOf('# about b') < after.text.indexOf('  b:'));
});

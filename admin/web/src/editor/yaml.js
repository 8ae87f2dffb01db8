// The text in CodeMirror. Its history is the one history of the page: edits by the form go through it, too.
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, redo, redoDepth, undo, undoDepth } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, foldGutter, foldKeymap, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Annotation, EditorState } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { completions, hovers } from './complete.js';
import { h } from './dom.js';
import { PHRASES } from './phrases.js';

const BY_FORM = Annotation.define();

export function basics(language) {
  const nonce = document.querySelector('meta[name=csp-nonce]')?.content ?? '';
  return [EditorView.cspNonce.of(nonce), lineNumbers(), foldGutter(), drawSelection(), bracketMatching(), indentUnit.of('  '), syntaxHighlighting(classHighlighter), yaml(), EditorState.phrases.of(language === 'zh' ? PHRASES : {})];
}

export class Yaml {
  // `changed(text, isByForm)` after every change; `save()` for Ctrl-S.
  constructor({ text, form, t, language, isWritable, changed, save }) {
    Object.assign(this, { form, t });
    const help = h('p', { class: 'sr-only', id: 'yaml-help' }, t('keyboard'));
    this.element = h('section', { class: 'ed-yaml', 'aria-label': 'YAML' }, help);
    this.view = new EditorView({
      parent: this.element,
      state: EditorState.create({
        doc: text,
        extensions: [
          basics(language), history(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(), search({ top: true }), closeBrackets(), lintGutter(),
          autocompletion({ override: [completions(form)], activateOnTyping: true }), hovers(form),
          EditorState.readOnly.of(!isWritable), EditorView.contentAttributes.of({ 'aria-label': 'YAML', 'aria-describedby': 'yaml-help', id: 'yaml-text' }),
          keymap.of([{ key: 'Mod-s', preventDefault: true, run: () => { save(); return true; } }, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.updateListener.of(update => update.docChanged && changed(update.state.doc.toString(), update.transactions.some(one => one.annotation(BY_FORM)))),
        ],
      }),
    });
    this.view.scrollDOM.tabIndex = 0;
  }

  get text() { return this.view.state.doc.toString(); }

  // Put another text in, by the smallest change, so that the cursor and the history stay.
  replace(text) {
    const old = this.text;
    let from = 0, end = 0;
    const most = Math.min(old.length, text.length);
    while (from < most && old[from] === text[from]) from++;
    while (end < most - from && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
    if (from === old.length && old.length === text.length) return;
    this.view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) }, annotations: BY_FORM.of(true), userEvent: 'input.form' });
  }

  undo() { return undo(this.view); }

  redo() { return redo(this.view); }

  get depths() { return [undoDepth(this.view.state), redoDepth(this.view.state)]; }

  // Findings as squiggles at exactly what they are about, with the near name as a quick fix.
  mark(findings, source) {
    const { doc } = this.view.state;
    const marks = findings.map(one => {
      const [from, to] = spanOf(one, source, doc);
      return { from, to, severity: one.level === 'error' ? 'error' : 'warning', message: one.message, source: one.code, actions: fixes(one, this.t, doc.sliceString(from, to)) };
    });
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  goTo(finding, source) {
    const [from, to] = spanOf(finding, source, this.view.state.doc);
    this.view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: 'center' }) });
    this.view.focus();
  }
}

// From a finding's line and column to the end of the value or key that begins there.
export function spanOf(finding, source, doc) {
  const line = doc.line(Math.min(Math.max(1, finding.line), doc.lines)), from = Math.min(line.from + Math.max(0, finding.column - 1), line.to);
  if (source && !source.error) {
    for (const range of [source.keyRange(finding.path), source.range(finding.path)]) if (range && range[0] === from && range[1] > from) return [from, Math.min(range[1], Math.max(line.to, from + 1))];
  }
  const word = line.text.slice(from - line.from).match(/^[^\s,[\]{}:]+/);
  return [from, word ? from + word[0].length : Math.min(from + 1, doc.length)];
}

export function fixes(finding, t, text) {
  const near = finding.params?.near;
  if (!near || near === text) return [];
  return [{ name: t('use', { name: near }), apply: (view, from, to) => fix(view, finding, from, to) }];
}

export function fix(view, finding, from, to) {
  const { near, name } = finding.params, text = view.state.sliceDoc(from, to), at = name ? text.indexOf(name) : -1;
  const change = at >= 0 ? { from: from + at, to: from + at + String(name).length, insert: near } : { from, to, insert: near };
  view.dispatch({ changes: change, userEvent: 'input.fix' });
}

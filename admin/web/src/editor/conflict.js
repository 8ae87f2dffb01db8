// Somebody else changed the draft meanwhile: theirs, mine, or both side by side.
import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { h, textButton } from './dom.js';
import { basics } from './yaml.js';

export function conflict({ place, t, language, theirs, mine, takeTheirs, keepMine, saveMerged }) {
  const box = h('div', { class: 'ed-merge', hidden: true });
  let merge = null;
  const show = () => {
    if (merge) { merge.destroy(); merge = null; box.hidden = true; box.replaceChildren(); return; }
    box.hidden = false;
    const side = (text, label, isMine) => ({ doc: text, extensions: [basics(language), EditorView.contentAttributes.of({ 'aria-label': label }), isMine ? [] : EditorState.readOnly.of(true)] });
    box.append(h('div', { class: 'ed-merge-head' }, h('strong', {}, t('theirs')), h('strong', {}, t('mine'))));
    merge = new MergeView({ a: side(theirs, t('theirs')), b: side(mine(), t('mine'), true), parent: box, collapseUnchanged: { margin: 2, minSize: 6 }, gutter: true, revertControls: 'a-to-b' });
    for (const one of box.querySelectorAll('.cm-scroller')) one.tabIndex = 0;
    box.append(h('p', {}, textButton(t('merge_done'), () => saveMerged(merge.b.state.doc.toString()), { id: 'merge-save', class: 'btn btn-main' })));
  };
  place.append(h('p', { class: 'ed-line' }, textButton(t('side_by_side'), show, { id: 'conflict-both' }), textButton(t('keep_mine'), keepMine, { id: 'conflict-mine' }), textButton(t('take_theirs'), takeTheirs, { id: 'conflict-theirs' })), box);
}

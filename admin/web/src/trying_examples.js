// The examples of a draft beside the text that is being typed: played again after every pause.
import { dressed, following } from './trying/parts.js';

/** `told`: hears which examples fail, by their places in the text. `draftUrl`: /admin/trying/NUMBER/; `getText`: the text as it is typed. Call `update()` of what it gives whenever the text changes. */
export function mount(element, { draftUrl, getText, told }) {
  dressed(draftUrl);
  const after = () => told?.([...element.querySelectorAll('.example-fails')].map(one => ({ place: Number(one.dataset.place), message: one.querySelector('.problem')?.textContent ?? '' })));
  const part = following(element, { url: new URL('examples', new URL(draftUrl, location.href)).href, getText, after });
  if (getText) part.now();
  return { update: part.update };
}

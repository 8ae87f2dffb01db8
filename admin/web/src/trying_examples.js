// The examples of a draft beside the text that is being typed: played again after every pause.
import { dressed, following } from './trying/parts.js';

/** `draftUrl`: /admin/trying/NUMBER/; `getText`: the text as it is typed. Call `update()` of what it gives whenever the text changes. */
export function mount(element, { draftUrl, getText }) {
  dressed(draftUrl);
  const part = following(element, { url: new URL('examples', new URL(draftUrl, location.href)).href, getText });
  if (getText) part.now();
  return { update: part.update };
}

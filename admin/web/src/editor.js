/* The editor of policy documents: a form and the YAML of one draft, side by side or as tabs. The text is the only truth.

   What stands beside the draft (examples, “Try it”, “What would change”) comes from modules of their own. The page's data has
   `beside: {examples|try|changes: {module, draftUrl}}`; `module` is the address of a bundled file that exports

     mount(element, {part, draftUrl, texts, getText, onChange, request}) => {update} or nothing

   and is called once, when its tab is opened first. `part` is the tab (`examples`, `try`, `changes`), `element` an empty panel,
   `draftUrl` the address below which the module's own pages answer, `texts` the page's words. `getText()` gives the text as it
   is now, saved or not; `onChange(text)` puts another text in its place (a new example); `update()` is called after every
   change of the text while the tab is open, and when it is opened again. `request(address, {body, headers, method})` asks the
   server with the page's token and gives `{status, found}` (`found`: its JSON), null when it is away.

   The page's own events go over one object: `duban.bus`, an EventTarget with `textchange` ({detail: {text}}) and `findings`
   ({detail: {findings}}). `document.documentElement.dataset.editor` is `ready` once it can be used. */
import { start } from './editor/page.js';

const data = document.getElementById('editor-data'), place = document.getElementById('editor'), plain = document.getElementById('plain-editor');
if (data && place && plain) {
  const page = start(JSON.parse(data.textContent), place, plain);
  globalThis.duban = { ...globalThis.duban, bus: page.bus, editor: page };
}

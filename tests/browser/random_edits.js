// Random things that somebody can do in the form; for each what it was, the text after it, and what the form reads from it.
([seed, count]) => {
  let state = seed;
  const random = () => { state = (state * 1664525 + 1013904223) >>> 0; return state / 4294967296; };
  const pick = list => list[Math.floor(random() * list.length)];
  const texts = ['7d', 'x: y # z', '', 'true', '3.5', '- a', 'it\'s "q"', '中文: 值', 'null', '0x1F', '2026-01-01', 'yes', '12:30', '{a', 'a, b]', '<b>', '4h', 'name_' + Math.floor(random() * 99)];
  const page = duban.editor, done = [];
  for (let i = 0; i < count; i++) {
    const what = pick(['part', 'open', 'button', 'button', 'select', 'text', 'text', 'check']);
    const all = selector => [...document.querySelectorAll(`.ed-panel ${selector}`)].filter(one => !one.disabled);
    const found = pick(what === 'part' ? [...document.querySelectorAll('.ed-parts button')] : what === 'open' ? all('.ed-toggle') : what === 'button' ? all('button:not(.ed-toggle)') : what === 'select' ? all('select') : what === 'check' ? all('input[type=checkbox]') : all('input:not([type=checkbox]), textarea'));
    if (!found) continue;
    const label = `${what} ${found.id} ${found.getAttribute('aria-label') ?? found.textContent.slice(0, 40)}`;
    if (what === 'select') { found.selectedIndex = Math.floor(random() * found.options.length); found.dispatchEvent(new Event('change')); }
    else if (what === 'text') { found.value = pick(texts); found.dispatchEvent(new Event('input')); found.dispatchEvent(new Event('change')); }
    else found.click();
    if (page.form.source.error || page.yaml.text !== page.form.source.text) return [...done, [label, 'the text and the form differ', 'null', 0]];
    if (page.yaml.text !== done.at(-1)?.[1]) done.push([label, page.yaml.text, JSON.stringify(page.form.source.value), page.form.refused ?? 0]);
  }
  return done;
}

// Small pieces of the page.
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'selected' || name === 'disabled' || name === 'indeterminate') made[name] = value;
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return made;
}

export const icon = name => h('i', { class: `fa fa-${name}`, 'aria-hidden': 'true' });

export function iconButton(name, label, onclick, more = {}) {
  return h('button', { type: 'button', class: 'ed-icon', 'aria-label': label, title: label, onclick, ...more }, icon(name));
}

export const textButton = (label, onclick, more = {}) => h('button', { type: 'button', class: 'btn btn-sm btn-outline', onclick, ...more }, label);

export const idOf = (path, more = '') => `f-${path.map(step => String(step).replace(/[^\w-]/g, '_')).join('.')}${more}`;

// `t('line', {number: 3})`: the page's words, with their places filled in.
export const words = texts => (key, values = {}) => (texts[key] ?? key).replace(/%\((\w+)\)s/g, (_, name) => values[name] ?? '');

export function later(run, pause) {
  let timer = 0;
  const made = (...given) => { clearTimeout(timer); timer = setTimeout(run, pause, ...given); };
  made.stop = () => clearTimeout(timer);
  return made;
}

export const keyOfPath = path => JSON.stringify(path);

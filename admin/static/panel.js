// Small conveniences; every page works without them.
'use strict';

const root = document.documentElement;

// The sidebar of narrow screens.
const menuButton = document.getElementById('menu-button');
if (menuButton) {
  const toggle = open => {
    document.body.classList.toggle('menu-open', open);
    menuButton.setAttribute('aria-expanded', String(open));
  };
  menuButton.addEventListener('click', () => toggle(!document.body.classList.contains('menu-open')));
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape' && document.body.classList.contains('menu-open')) { toggle(false); menuButton.focus(); }
  });
  document.addEventListener('click', event => {
    if (!event.target.closest('.sidebar, .topbar')) toggle(false);
  });
}

// The appearance changes at once and is remembered by the server.
for (const button of document.querySelectorAll('[data-theme-choice]')) {
  button.addEventListener('click', event => {
    event.preventDefault();
    const choice = button.dataset.themeChoice;
    if (choice) root.dataset.theme = choice; else delete root.dataset.theme;
    for (const other of document.querySelectorAll('[data-theme-choice]')) {
      other.setAttribute('aria-pressed', String(other.dataset.themeChoice === choice));
    }
    const form = button.form;
    const body = new URLSearchParams(new FormData(form));
    body.set('duban_theme', choice);
    fetch(form.action, { method: 'POST', body, redirect: 'manual', credentials: 'same-origin' });
  });
}

// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', event => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = 'yes';
    for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
  });
}
// Coming back by the browser's own button, it may be sent again.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled');
  }
});

// On narrow screens filters that are not in use fold away.
for (const button of document.querySelectorAll('.filter-toggle')) {
  const form = button.closest('form');
  form.classList.add('foldable');
  button.addEventListener('click', () => button.setAttribute('aria-expanded', String(form.classList.toggle('unfolded'))));
}

// A filter that is chosen is used; empty ones stay out of the address.
for (const form of document.querySelectorAll('form[data-filters]')) {
  for (const select of form.querySelectorAll('select')) {
    select.addEventListener('change', () => {
      if (select.name === 'process') for (const name of ['stage', 'severity']) if (form.elements[name]) form.elements[name].value = '';
      form.requestSubmit();
    });
  }
  form.addEventListener('formdata', event => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}

// Looking for a row of a list that is here as a whole.
for (const input of document.querySelectorAll('input[data-find]')) {
  const rows = document.querySelectorAll(`#${input.dataset.find} tbody tr`);
  input.addEventListener('input', () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

// After a refused form the first thing to mend has the focus.
const first = document.querySelector('.has-problem input:not([type=hidden]), .has-problem select, .has-problem textarea');
if (first) first.focus();

// A window out of sight grows old: coming back after a minute, the list is fetched anew.
let hiddenAt = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (document.getElementById('issues') && hiddenAt && Date.now() - hiddenAt > 60000) location.reload();
});

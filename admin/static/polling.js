// A piece of a page whose state is under way is looked at each second; without this, by loading the page again.
'use strict';

const waiting = () => document.querySelector('main [data-poll][id]');

async function look() {
  const box = waiting();
  if (!box || document.hidden) return;
  const answer = await fetch(box.dataset.poll, { credentials: 'same-origin', redirect: 'manual' });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById(box.id);
  if (fresh) box.replaceWith(fresh);
}

if (waiting()) {
  const timer = setInterval(() => {
    if (!waiting()) clearInterval(timer);
    else look().catch(() => {}); // the server is away: the next look may find it again
  }, 1000);
}

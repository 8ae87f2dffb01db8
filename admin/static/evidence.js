// While a verification is under way, its state is looked at each second; without this, by loading the page again.
'use strict';

const looked = () => document.querySelector('#standing[data-poll]');

async function look() {
  const box = looked();
  if (!box || document.hidden) return;
  const answer = await fetch(box.dataset.poll, { credentials: 'same-origin', redirect: 'manual' });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const fresh = page.getElementById('standing');
  if (fresh) box.replaceWith(fresh);
}

if (looked()) {
  const timer = setInterval(() => {
    if (!looked()) clearInterval(timer);
    else look().catch(() => {}); // the server is away: the next look may find it again
  }, 1000);
}

// Where an issue is played on a page of its own, made up or real: each has an element that says what it is.
import { mount as trial } from './trying_trial.js';

for (const element of document.querySelectorAll('[data-trying=trial]')) trial(element, { draftUrl: element.dataset.draftUrl, address: element.dataset.address });

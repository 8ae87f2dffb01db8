// A back-test's page: its progress, and its charts.
import { watch } from './trying_changes.js';

for (const element of document.querySelectorAll('[data-trying=backtest]')) watch(element);

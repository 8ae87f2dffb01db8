// Charts: each element with `data-chart` draws the ECharts options that the JSON block of that id holds. The page has
// the same figures as a table for those who do not see the picture, so the drawing is told by its label alone.
import { init, use } from 'echarts/core';
import { BarChart, LineChart, ScatterChart } from 'echarts/charts';
import { DatasetComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, ScatterChart, DatasetComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, SVGRenderer]);

import { number } from './language/formats.js';

const variable = (element, name) => getComputedStyle(element).getPropertyValue(`--${name}`).trim();

// The colours of the page, light or dark.
function theme(element) {
  const [ink, dim, line, card] = ['ink', 'dim', 'line', 'card'].map(name => variable(element, name));
  const axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: dim }, splitLine: { lineStyle: { color: line } }, nameTextStyle: { color: dim } };
  return {
    color: ['main', 'sev-1', 'sev-3', 'sev-0', 'sev-2', 'sev-4'].map(name => variable(element, name)),
    textStyle: { color: ink, fontFamily: getComputedStyle(element).fontFamily },
    legend: { textStyle: { color: ink } },
    tooltip: { backgroundColor: card, borderColor: line, textStyle: { color: ink }, valueFormatter: number },
    categoryAxis: axis, valueAxis: { ...axis, axisLabel: { color: dim, formatter: number } }, timeAxis: axis, logAxis: axis,
  };
}

/** Draw a chart into an element, and again whenever its width or the appearance of the page changes. */
export function draw(element, options) {
  let chart = null;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const paint = () => {
    chart?.dispose();
    chart = init(element, theme(element), { renderer: 'svg' });
    chart.setOption({ animation: !still, ...options });
  };
  paint();
  new ResizeObserver(() => chart.resize()).observe(element);
  new MutationObserver(paint).observe(document.documentElement, { attributeFilter: ['data-theme'] });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
}

for (const element of document.querySelectorAll('[data-chart]')) {
  draw(element, JSON.parse(document.getElementById(element.dataset.chart).textContent));
}

// Days and numbers in the language of the page, in the forms of admin/formats.py. A day is ISO text or a Date, both in UTC.
const locale = globalThis.document?.documentElement.lang === 'zh-CN' ? 'zh-CN' : 'en-GB';

const by = options => {
  const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  return day => format.format(typeof day === 'string' ? new Date(`${day}T00:00Z`) : day);
};

export const monthName = by({ month: 'long' });
export const nearDay = by({ month: 'short', day: 'numeric' });
export const dayText = by({ year: 'numeric', month: 'short', day: 'numeric' });
export const weekday = by({ weekday: 'long' });

const numbers = new Intl.NumberFormat(locale);
export const number = value => typeof value === 'number' ? numbers.format(value) : String(value ?? '');

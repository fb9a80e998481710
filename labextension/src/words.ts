/** The hour of a time, with its day unless that is today. */
export function hour(iso: string | null): string {
  if (!iso) {
    return '';
  }
  const time = new Date(iso);
  const day: Intl.DateTimeFormatOptions =
    time.toDateString() === new Date().toDateString() ? {} : { day: 'numeric', month: 'short' };
  return time.toLocaleString([], { ...day, hour: '2-digit', minute: '2-digit' });
}

/** An argument of the magic, quoted. */
export function quoted(word: string): string {
  return `"${word.replace(/(["\\$`])/g, '\\$1')}"`;
}

const counts = new Intl.NumberFormat('en-US');

/** 12345 → 12,345. */
export function formatCount(value: number): string {
  return counts.format(value);
}

/** A metric as people compare it: three decimals below 100, less above; `–` where it is not defined. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e6 || (size > 0 && size < 0.0005)) return value.toExponential(2).replace('e+', 'e');
  if (size >= 1000) return counts.format(Math.round(value));
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

/** 0.1234 → 12.3 %. */
export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : '–';
}

/** 1234567 → 1.2 MB. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

import type { JobStatus } from '../functions/jobs/read-job.ts';

/** One line about a job: `name  RUNNING  1200/5000  3 failed  210/s  18 s left`. */
export function renderJob(job: JobStatus): string {
  return [job.job, job.status, ...renderCounts(job), ...(job.reason === undefined ? [] : [job.reason])].join('  ');
}

/** The same with a bar in the place of the name, no wider than `columns`. */
export function renderProgress(job: JobStatus, columns: number): string {
  const text = [job.status, ...renderCounts(job)].join('  ');
  const { total, succeeded, failed } = job.counts;
  const width = Math.min(40, columns - text.length - 4);
  if (width < 5) return text.slice(0, columns);
  const filled = total === 0 ? 0 : Math.floor((width * (succeeded + failed)) / total);
  return `[${'█'.repeat(filled)}${'░'.repeat(width - filled)}]  ${text}`;
}

function renderCounts({ counts, chunks, recordsPerSecond, secondsLeft }: JobStatus): string[] {
  const { total, succeeded, failed } = counts;
  if (total === 0) return [];
  return [
    `${succeeded + failed}/${total}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(chunks.givenUp > 0 ? [`${chunks.givenUp} chunks given up`] : []),
    ...(recordsPerSecond === undefined ? [] : [`${recordsPerSecond}/s`]),
    ...(secondsLeft === undefined ? [] : [`${renderSeconds(secondsLeft)} left`]),
  ];
}

function renderSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

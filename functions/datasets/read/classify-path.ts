import type { DatasetDefinition, Place } from '../dataset-definition.ts';
import { type Captures, parseFilePattern } from '../file-pattern.ts';
import { taskRecords } from '../record-kinds.ts';

/** What a file is to a data set. A table holds rows, an archive files. */
export type FileRole =
  | { readonly role: 'input'; readonly captures: Captures }
  | { readonly role: 'sidecar' | 'ignored' }
  | { readonly role: 'table'; readonly format: 'jsonl' | 'csv' | 'parquet'; readonly gzip: boolean }
  | { readonly role: 'archive'; readonly format: 'tar' | 'zip'; readonly gzip: boolean };

const tables: readonly (readonly [RegExp, 'jsonl' | 'csv' | 'parquet'])[] = [
  [/\.(?:jsonl|ndjson)(?:\.gz)?$/i, 'jsonl'],
  [/\.(?:csv|tsv)(?:\.gz)?$/i, 'csv'],
  [/\.parquet$/i, 'parquet'],
];

/** Tells by a file's path within the data set (or the archive) what it is. */
export function pathClassifier(definition: DatasetDefinition): (path: string) => FileRole {
  const patterns = [definition.inputs.files ?? []].flat().map((pattern) => parseFilePattern(pattern)!);
  const endings = places(definition).flatMap((place) => (place.from === 'sidecar' ? [place.ending.toLowerCase()] : []));
  const named = new Set(['dataset.json', ...sideFiles(definition)]);
  const takesFiles = taskRecords[definition.task].record !== 'row';
  return (path) => {
    // Files of systems: .DS_Store, Thumbs.db and the like.
    if (named.has(path) || /(?:^|\/)(?:\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/.test(path)) return { role: 'ignored' };
    for (const pattern of patterns) {
      const captures = pattern(path);
      if (captures) return { role: 'input', captures };
    }
    if (endings.some((ending) => path.toLowerCase().endsWith(ending))) return { role: 'sidecar' };
    const gzip = /\.(?:gz|tgz)$/i.test(path);
    const table = tables.find(([ending]) => ending.test(path));
    if (table) return { role: 'table', format: table[1], gzip };
    if (/\.(?:tar|tar\.gz|tgz)$/i.test(path)) return { role: 'archive', format: 'tar', gzip };
    if (/\.zip$/i.test(path)) return { role: 'archive', format: 'zip', gzip: false };
    return patterns.length === 0 && takesFiles ? { role: 'input', captures: {} } : { role: 'ignored' };
  };
}

/** Files of the data set that say something of its records, by their paths. */
export function sideFiles(definition: DatasetDefinition): string[] {
  const files = places(definition).flatMap((place) => (place.from === 'table' ? [place.file] : []));
  const { synonymsFile } = definition.augment?.text ?? {};
  return synonymsFile === undefined ? files : [...files, synonymsFile];
}

function places({ label, group, split }: DatasetDefinition): Place[] {
  return [label, group, split.given].filter((place) => place !== undefined);
}

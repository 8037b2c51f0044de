/** Names of metrics as people write them; what is not here is its name with spaces. */
const titles: Readonly<Record<string, string>> = {
  f1: 'F1',
  f1_macro: 'F1 (macro)',
  f1_micro: 'F1 (micro)',
  f1_weighted: 'F1 (weighted)',
  f1_samples: 'F1 (mean of records)',
  cohen_kappa: 'Cohen’s kappa',
  matthews_correlation: 'Matthews correlation',
  roc_auc: 'ROC AUC',
  roc_auc_macro: 'ROC AUC (macro)',
  roc_auc_ovr_macro: 'ROC AUC (macro)',
  roc_auc_ovr_weighted: 'ROC AUC (weighted)',
  roc_auc_ovo_macro: 'ROC AUC of pairs (macro)',
  roc_auc_ovo_weighted: 'ROC AUC of pairs (weighted)',
  average_precision_macro: 'Average precision (macro)',
  expected_calibration_error: 'Calibration error (ECE)',
  brier_score: 'Brier score',
  word_error_rate: 'Word error rate',
  character_error_rate: 'Character error rate',
  map: 'mAP@[.5:.95]',
  map_50: 'mAP@.5',
  map_75: 'mAP@.75',
  map_small: 'mAP, small objects',
  map_medium: 'mAP, medium objects',
  map_large: 'mAP, large objects',
  mar_1: 'Recall, 1 detection',
  mar_10: 'Recall, 10 detections',
  mar_100: 'Recall, 100 detections',
  mean_iou: 'Mean IoU',
  iou: 'IoU',
  r2: 'R²',
  root_mean_squared_error: 'RMSE',
  mean_absolute_error: 'MAE',
};

/** Metrics that are shown large, where a task has them; the six that come first. */
const important = [
  ...['accuracy', 'subset_accuracy', 'f1_macro', 'balanced_accuracy', 'f1', 'roc_auc', 'roc_auc_macro'],
  ...['roc_auc_ovr_macro', 'log_loss', 'expected_calibration_error', 'average_precision_macro', 'hamming_error'],
  ...['precision_micro', 'recall_micro', 'text_accuracy'],
];
const mostImportant = 6;

export function titleOf(metric: string): string {
  const kind = /^(precision|recall)_(micro|macro|weighted)$/.exec(metric);
  const known = titles[metric] ?? (kind ? `${kind[1]} (${kind[2]})` : metric.replaceAll('_', ' '));
  return known.charAt(0).toUpperCase() + known.slice(1);
}

/** The main one, then others. */
export function importantMetrics(names: readonly string[]): string[] {
  const known = important.filter((name) => names.includes(name));
  const chosen = known.length > 1 ? known : names;
  return [...new Set([...names.slice(0, 1), ...chosen])].slice(0, mostImportant);
}

"""Accuracy, and precision, recall and F1 of each class, from labels and predictions."""

import numpy


def accuracy(labels: numpy.ndarray, predictions: numpy.ndarray) -> float:
    """The share of predictions that are right."""
    return float((labels == predictions).mean())


def class_table(names: list[str], labels: numpy.ndarray, predictions: numpy.ndarray) -> str:
    """A Markdown table with one row per class; a ratio without cases is 0, as scikit-learn has it."""
    rows = ['| class | precision | recall | F1 | cases |', '|---|---|---|---|---|']
    for index, name in enumerate(names):
        right = int(((labels == index) & (predictions == index)).sum())
        predicted, cases = int((predictions == index).sum()), int((labels == index).sum())
        precision, recall = right / max(predicted, 1), right / max(cases, 1)
        f1 = 2 * right / max(predicted + cases, 1)
        rows.append(f'| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {cases} |')
    return '\n'.join(rows)

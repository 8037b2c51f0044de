"""Writes down what was measured, and the package of a wine network."""

import csv
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy
import torch

from export import export
from package import scores, write_json, write_manifest
from report import accuracy, class_table

COLUMNS = [
    'alcohol', 'malic_acid', 'ash', 'alcalinity_of_ash', 'magnesium', 'total_phenols', 'flavanoids',
    'nonflavanoid_phenols', 'proanthocyanins', 'color_intensity', 'hue', 'od280_od315', 'proline',
]
LABELS = ['Barolo', 'Grignolino', 'Barbera']
LICENSE = 'CC-BY-4.0'
SOURCE = 'https://archive.ics.uci.edu/dataset/109/wine'


class Scale(NamedTuple):
    """Mean and deviation of every column, as `preprocessing` of model.json says them."""

    mean: numpy.ndarray
    std: numpy.ndarray

    @classmethod
    def of(cls, analyses: numpy.ndarray) -> 'Scale':
        return cls(analyses.mean(0).round(4), analyses.std(0).round(4))

    def apply(self, analyses: numpy.ndarray) -> torch.Tensor:
        """Scaled columns, float32; a missing value is taken for the mean."""
        scaled = (numpy.where(numpy.isnan(analyses), self.mean, analyses) - self.mean) / self.std
        return torch.from_numpy(scaled.astype(numpy.float32))

    def columns(self) -> list[dict]:
        return [
            {'name': name, 'kind': 'numeric', 'mean': mean, 'std': std, 'missing': mean}
            for name, mean, std in zip(COLUMNS, self.mean.tolist(), self.std.tolist())
        ]


def probabilities(model: torch.nn.Module, scale: Scale, analyses: numpy.ndarray) -> numpy.ndarray:
    with torch.no_grad():
        return model(scale.apply(analyses)).softmax(1).numpy()


def without(analyses: numpy.ndarray, column: str) -> numpy.ndarray:
    """The analyses as if nobody had measured this."""
    unmeasured = analyses.copy()
    unmeasured[:, COLUMNS.index(column)] = numpy.nan
    return unmeasured


def write_rows(path: Path, analyses: numpy.ndarray, labels: numpy.ndarray) -> None:
    """A CSV with the columns' names, and the variety as the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow([*COLUMNS, 'variety'])
        writer.writerows([*map(str, row), LABELS[label]] for row, label in zip(analyses, labels))


def write_package(folder: Path, model, scale: Scale, analyses, labels, all_labels, all_predictions) -> None:
    """`analyses` and `labels` are those that `model` has not seen; all_… are those of the cross-validation."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions = probabilities(model, scale, analyses).argmax(1)
    held_out = accuracy(labels, predictions)
    missing = [accuracy(labels, probabilities(model, scale, without(analyses, column)).argmax(1)) for column in COLUMNS]
    measured, classes = accuracy(all_labels, all_predictions), class_table(LABELS, all_labels, all_predictions)
    print(f'{classes}\n\nheld out: {held_out:.4f}, one column missing: {numpy.mean(missing):.4f}')
    export(model, {'columns': scale.apply(analyses[:2])}, ['batch'], folder / 'model.onnx')
    print(f'accuracy {measured:.4f} in 5-fold cross-validation')
    card = Template((Path(__file__).parent / 'wine-card.md').read_text(encoding='utf-8'))
    text = card.substitute(
        accuracy=f'{measured:.4f}',
        classes=classes,
        held_out=f'{held_out:.4f}',
        missing=f'{numpy.mean(missing):.4f}',
        parameters=f'{sum(parameter.numel() for parameter in model.parameters()):,}',
        held_out_wines=len(labels),
    )
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_rows(folder / 'held-out.csv', analyses, labels)
    write_json(folder / 'config.json', {
        'architectures': ['WineForTabularClassification'],
        'model_type': 'mlp',
        'id2label': dict(enumerate(LABELS)),
        'label2id': {label: index for index, label in enumerate(LABELS)},
    })
    write_manifest(folder, {
        'name': 'wine',
        'version': '1',
        'task': 'tabular-classification',
        'host': 'lambda',
        'model': 'model.onnx',
        'maxBatchSize': 256,
        'labels': LABELS,
        'preprocessing': {'columns': scale.columns()},
        'golden': golden_cases(model, scale, analyses),
        'license': LICENSE,
        'source': SOURCE,
    })


def golden_cases(model: torch.nn.Module, scale: Scale, analyses: numpy.ndarray) -> list[dict]:
    """Every tenth of the wines that this network has not seen; then one of them half measured, and three as CSV."""
    every_tenth = analyses[::10]
    half = analyses[:1].copy()
    half[:, ::2] = numpy.nan
    text = '\n'.join([','.join(COLUMNS), *(','.join(map(str, row)) for row in analyses[:3])])
    cases = [(as_rows(every_tenth), every_tenth), (as_rows(half), half), (text, analyses[:3])]
    return [
        {
            'input': given,
            'output': [scores(LABELS, row, 3) for row in probabilities(model, scale, wines)],
            'tolerance': 1e-4,
        }
        for given, wines in cases
    ]


def as_rows(analyses: numpy.ndarray) -> dict:
    """The JSON form of rows; null is a missing value."""
    rows = [zip(COLUMNS, row.tolist()) for row in analyses]
    return {'inputs': [{name: None if numpy.isnan(value) else value for name, value in row} for row in rows]}

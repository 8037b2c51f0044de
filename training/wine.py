"""Trains `wine`, a small network that tells grape varieties by a chemical analysis, and writes its model package."""

import csv
import math
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

import arguments
from report import accuracy
from wine_package import COLUMNS, LABELS, Scale, probabilities, write_package

FOLDS = 5


class Wine(nn.Module):
    """columns [batch, 13], scaled, 0 where a value is missing -> logits [batch, 3]."""

    def __init__(self, hidden: int, dropout: float):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(len(COLUMNS), hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, len(LABELS)),
        )

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        return self.layers(columns)


def read_wines(folder: Path) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Analyses [178, 13] and varieties [178] of wine_data.csv, whose first line counts them."""
    with open(folder / 'wine_data.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.reader(file))[1:]
    return numpy.array([row[:-1] for row in rows], float), numpy.array([int(row[-1]) for row in rows])


def assign_folds(labels: numpy.ndarray, seed: int) -> numpy.ndarray:
    """The fold of each wine; every variety is spread evenly over all."""
    folds, random = numpy.zeros_like(labels), numpy.random.default_rng(seed)
    for label in range(len(LABELS)):
        rows = numpy.flatnonzero(labels == label)
        folds[rows] = random.permutation(len(rows)) % FOLDS
    return folds


def train(options, analyses: numpy.ndarray, labels: numpy.ndarray) -> tuple[Wine, Scale]:
    """Learns with every value missing now and then, and with as much noise as two chemists would differ by."""
    torch.manual_seed(options.seed)
    scale = Scale.of(analyses)
    rows, targets = scale.apply(analyses), torch.from_numpy(labels)
    model = Wine(options.hidden, options.dropout)
    optimizer = arguments.optimizer(options.optimizer, model.parameters(), options.learning_rate, options.weight_decay)
    steps = options.epochs * math.ceil(len(rows) / options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, steps)
    for _ in range(options.epochs):
        for batch in torch.randperm(len(rows)).split(options.batch_size):
            noisy = rows[batch] + torch.randn(len(batch), len(COLUMNS)) * options.noise
            missing = torch.rand(noisy.shape) < options.missing
            loss = functional.cross_entropy(model(noisy.masked_fill(missing, 0)), targets[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval(), scale


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/wine', epochs=60, learning_rate=0.01, weight_decay=0.02, batch_size=16, hidden=24, dropout=0.2,
        noise=0.2, missing=0.1,
    )
    options = arguments.parse(parser)
    analyses, labels = read_wines(options.data)
    folds, predictions = assign_folds(labels, options.seed), numpy.zeros_like(labels)
    for fold in range(FOLDS):
        model, scale = train(options, analyses[folds != fold], labels[folds != fold])
        unseen = folds == fold
        predictions[unseen] = probabilities(model, scale, analyses[unseen]).argmax(1)
        print(f'fold {fold + 1}: accuracy {accuracy(labels[unseen], predictions[unseen]):.4f}', flush=True)
    # The network of the last fold is the one that is shipped: its fold remains for everybody to repeat the figure.
    held_out = folds == FOLDS - 1
    write_package(options.out, model, scale, analyses[held_out], labels[held_out], labels, predictions)


if __name__ == '__main__':
    main()

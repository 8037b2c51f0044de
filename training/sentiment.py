"""Trains `sentiment`, a recurrent network that tells praise from blame in a sentence, and writes its model package."""

import math
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

import arguments
from report import accuracy
from sentiment_package import write_package
from tokenizer import UNK, count_vocabulary, encode, pad

FOLDS = 5
FILES = ['amazon_cells_labelled.txt', 'yelp_labelled.txt']


class Reader(nn.Module):
    """A bidirectional GRU over words, pooled by maximum and mean."""

    def __init__(self, words: int, options):
        super().__init__()
        self.embedding = nn.Embedding(words, options.embedding)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.forwards = nn.GRU(options.embedding, options.hidden, batch_first=True)
        self.backwards = nn.GRU(options.embedding, options.hidden, batch_first=True)
        self.classifier = nn.Linear(4 * options.hidden, 2)
        self.dropout = nn.Dropout(options.dropout)

    def forward(self, input_ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        embedded = self.dropout(self.embedding(input_ids))
        # Reversing each sentence inside its own length keeps padding out of the backward GRU's state.
        position = torch.cumsum(torch.ones_like(mask), 1)
        reverse = (mask.sum(1, keepdim=True) - position).clamp(min=0).unsqueeze(2)
        right, _ = self.forwards(embedded)
        left, _ = self.backwards(embedded.gather(1, reverse.expand(-1, -1, embedded.shape[2])))
        left = left.gather(1, reverse.expand(-1, -1, left.shape[2]))
        states, real = torch.cat([right, left], 2), mask.unsqueeze(2).float()
        # States of a GRU lie in -1..1: padding that counts as -1 never is the maximum.
        highest = (states * real - (1 - real)).amax(1)
        mean = (states * real).sum(1) / real.sum(1).clamp(min=1)
        return self.classifier(self.dropout(torch.cat([highest, mean], 1)))


class Sentiment(nn.Module):
    """input_ids, attention_mask int64 [batch, sequence], right-padded -> logits [batch, 2]: the mean of all readers."""

    def __init__(self, readers: list[Reader]):
        super().__init__()
        self.readers = nn.ModuleList(readers)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return torch.stack([reader(input_ids, attention_mask) for reader in self.readers]).mean(0)


def read_sentences(folder: Path) -> tuple[list[str], numpy.ndarray]:
    """Sentences and labels (0 negative, 1 positive); lines are `<sentence>\\t<label>`."""
    lines = [line for name in FILES for line in (folder / name).read_text(encoding='utf-8').split('\n') if line]
    rows = [line.rsplit('\t', 1) for line in lines]
    return [sentence.strip() for sentence, _ in rows], numpy.array([int(label) for _, label in rows])


def assign_folds(sentences: list[str], seed: int) -> numpy.ndarray:
    """The fold of each sentence; equal sentences share one, else the network would be asked what it was told."""
    keys = sorted({sentence.lower() for sentence in sentences})
    fold = dict(zip(keys, numpy.random.default_rng(seed).permutation(len(keys)) % FOLDS))
    return numpy.array([fold[sentence.lower()] for sentence in sentences])


def length_batches(rows: list[list[int]], batch_size: int) -> list[torch.Tensor]:
    """Indices of all rows in random batches of about equal length: half as much padding to compute."""
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.float)
    batches = (lengths * torch.empty(len(rows)).uniform_(0.7, 1.3)).argsort().split(batch_size)
    return [batches[index] for index in torch.randperm(len(batches))]


def train_reader(options, rows: list[list[int]], labels: numpy.ndarray, words: int) -> Reader:
    """One network; the mean of its weights over the second half of the training."""
    reader = Reader(words, options)
    optimizer = arguments.optimizer(options.optimizer, reader.parameters(), options.learning_rate, options.weight_decay)
    average = torch.optim.swa_utils.AveragedModel(reader)
    steps = math.ceil(len(rows) / options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, options.epochs * steps)
    targets = torch.from_numpy(labels)
    for epoch in range(options.epochs):
        reader.train()
        for batch in length_batches(rows, options.batch_size):
            ids, mask = pad([rows[index] for index in batch])
            dropped = (torch.rand(ids.shape) < options.word_dropout) & (mask > 0)
            logits = reader(ids.masked_fill(dropped, UNK), mask)
            loss = functional.cross_entropy(logits, targets[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(reader.parameters(), 1)
            optimizer.step()
            schedule.step()
        if epoch >= options.epochs // 2:
            average.update_parameters(reader)
    return average.module.eval()


def train(options, sentences: list[str], labels: numpy.ndarray) -> tuple[Sentiment, dict[str, int]]:
    """The network and the vocabulary, from these sentences alone."""
    vocabulary = count_vocabulary(sentences, options.min_count)
    rows = [encode(sentence, vocabulary) for sentence in sentences]
    readers = [train_reader(options, rows, labels, len(vocabulary)) for _ in range(options.readers)]
    return Sentiment(readers).eval(), vocabulary


def predict(model: Sentiment, vocabulary: dict[str, int], sentences: list[str]) -> torch.Tensor:
    """Probabilities [n, 2]."""
    with torch.no_grad():
        return model(*pad([encode(sentence, vocabulary) for sentence in sentences])).softmax(1)


def cross_validate(options, sentences: list[str], labels: numpy.ndarray) -> numpy.ndarray:
    """The prediction for each sentence by a network (and vocabulary) that was trained without its fold."""
    folds, predictions = assign_folds(sentences, options.seed), numpy.zeros_like(labels)
    for fold in range(FOLDS):
        known, unknown = numpy.flatnonzero(folds != fold), numpy.flatnonzero(folds == fold)
        model, vocabulary = train(options, [sentences[index] for index in known], labels[known])
        asked = [sentences[index] for index in unknown]
        predictions[unknown] = predict(model, vocabulary, asked).argmax(1).numpy()
        print(f'fold {fold + 1}: accuracy {accuracy(labels[unknown], predictions[unknown]):.4f}', flush=True)
    return predictions


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/sentiment', epochs=16, learning_rate=0.006, weight_decay=0.05, batch_size=64, embedding=32,
        hidden=32, readers=2, dropout=0.5, word_dropout=0.2, min_count=2,
    )
    options = arguments.parse(parser)
    sentences, labels = read_sentences(options.data)
    predictions = cross_validate(options, sentences, labels)
    model, vocabulary = train(options, sentences, labels)
    own_predictions = predict(model, vocabulary, sentences).argmax(1).numpy()
    write_package(options, model, vocabulary, sentences, labels, predictions, own_predictions)


if __name__ == '__main__':
    main()

"""Trains `keywords`, a CNN that hears which digit was spoken, and writes its model package."""

import math

import numpy
import torch
from torch import nn
from torch.nn import functional

import arguments
from keywords_package import write_package
from sound import RATE, Clip, clip_edges, log_mel, mask, read_clips, revoice, synthesize_clips, with_noise
from sound_network import Ear, reset_batch_norm, split


class Keywords(nn.Module):
    """input_features [batch, 40, frames], log-mel in decibels -> logits [batch, 10]."""

    def __init__(self, width: int = 12, dropout: float = 0.3):
        super().__init__()
        channels = 6 * width
        self.ear = Ear(width)
        self.time = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv1d(15 * width, channels, 5, padding=2, bias=False), nn.BatchNorm1d(channels), nn.ReLU(),
        )
        self.attention = nn.Conv1d(channels, 1, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * channels, 10))

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        heard = self.time(self.ear(input_features))
        weights = self.attention(heard).softmax(2)
        return self.classifier(torch.cat([(heard * weights).sum(2), heard.amax(2)], 1))


def place(clips: list[Clip], random: numpy.random.Generator) -> torch.Tensor:
    """Each clip in another voice, somewhere in a noisy recording; all of one length, [batch, samples]."""
    length = int(RATE * random.uniform(0.5, 1.6))
    recordings = numpy.zeros((len(clips), length), numpy.float32)
    for recording, clip in zip(recordings, clips):
        sound = revoice(clip_edges(clip.samples, random), random)
        cut = sound[max(0, len(sound) - length) // 2 :][:length]
        start = random.integers(0, length - len(cut) + 1)
        recording[start : start + len(cut)] = cut
        recording[:] = with_noise(recording, random)
    return torch.from_numpy(recordings)


def stretch(mel: torch.Tensor, factor: float) -> torch.Tensor:
    """Spoken slower or faster by the same voice."""
    return functional.interpolate(mel, scale_factor=factor, mode='linear', align_corners=False)


def batches(clips: list[Clip], batch_size: int, random: numpy.random.Generator) -> list[list[Clip]]:
    order = random.permutation(len(clips))
    return [[clips[index] for index in order[start : start + batch_size]] for start in range(0, len(clips), batch_size)]


def train(options, clips: list[Clip]) -> Keywords:
    """The average of all weights over the last third of the training."""
    model, random = Keywords(), numpy.random.default_rng(options.seed)
    optimizer = arguments.optimizer(options.optimizer, model.parameters(), options.learning_rate, options.weight_decay)
    steps = math.ceil(len(clips) / options.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, options.epochs * steps)
    average = torch.optim.swa_utils.AveragedModel(model)
    for epoch in range(options.epochs):
        model.train()
        for batch in batches(clips, options.batch_size, random):
            mel = mask(stretch(log_mel(place(batch, random)), random.uniform(0.8, 1.25)))
            targets = torch.tensor([clip.digit for clip in batch])
            loss = functional.cross_entropy(model(mel), targets, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch >= options.epochs * 2 // 3:
            average.update_parameters(model)
        print(f'epoch {epoch + 1}/{options.epochs}: loss {loss.item():.4f}', flush=True)
    reset_batch_norm(average.module)
    with torch.no_grad():
        for batch in batches(clips, 64, random):
            average.module(mask(log_mel(place(batch, random))))
    return average.module.eval()


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/keywords', epochs=40, learning_rate=0.006, weight_decay=0.02, batch_size=32
    )
    parser.add_argument('--unheard', default='yweweler', help='speaker who is kept for the measurement')
    options = arguments.parse(parser)
    clips, synthetic = read_clips(options.data), synthesize_clips(options.seed)
    known, later, unheard = split(clips, options.unheard)
    print(f'{len(known)} recorded and {len(synthetic)} synthesised clips to train on', flush=True)
    model = train(options, known + synthetic)
    write_package(options.out, model, unheard, later)


if __name__ == '__main__':
    main()

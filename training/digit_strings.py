"""Trains `digit-strings`, a CNN with CTC that writes down spoken digits, and writes its model package."""

import numpy
import torch
from torch import nn
from torch.nn import functional

import arguments
from digit_strings_package import BLANK, DELIMITER, VOCABULARY, write_package
from sound import RATE, Clip, clip_edges, log_mel, mask, read_clips, revoice, synthesize_clips, with_noise
from sound_network import Ear, reset_batch_norm, split


class Context(nn.Module):
    """Adds what is heard `dilation` steps before and after."""

    def __init__(self, channels: int, dilation: int, dropout: float):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(dropout),
        )

    def forward(self, heard: torch.Tensor) -> torch.Tensor:
        return heard + self.layers(heard)


class DigitStrings(nn.Module):
    """input_features [batch, 40, frames], log-mel in decibels -> logits [batch, frames / 4, 12]."""

    def __init__(self, width: int = 12, dropout: float = 0.2):
        super().__init__()
        channels = 6 * width
        self.ear = Ear(width)
        self.layers = nn.Sequential(
            nn.Conv1d(15 * width, channels, 5, padding=2, bias=False), nn.BatchNorm1d(channels), nn.ReLU(),
            *[Context(channels, dilation, dropout) for dilation in (1, 2, 4)],
            nn.Conv1d(channels, len(VOCABULARY), 1),
        )

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        return self.layers(self.ear(input_features)).transpose(1, 2)


def speak(clips: list[Clip], random: numpy.random.Generator) -> tuple[numpy.ndarray, list[int]]:
    """One to six random digits of one speaker with pauses up to 0.4 s, and their tokens."""
    speaker = clips[random.integers(len(clips))].speaker
    own = [clip for clip in clips if clip.speaker == speaker]
    chosen = [own[index] for index in random.integers(len(own), size=random.integers(1, 7))]
    pieces, tokens = [silence(random)], []
    for clip in chosen:
        pieces += [clip_edges(clip.samples, random), silence(random)]
        tokens += [DELIMITER] * bool(tokens) + [VOCABULARY[str(clip.digit)]]
    return revoice(numpy.concatenate(pieces), random), tokens


def silence(random: numpy.random.Generator) -> numpy.ndarray:
    return numpy.zeros(int(random.uniform(0.02, 0.4) * RATE), numpy.float32)


def batch_of(clips: list[Clip], size: int, random: numpy.random.Generator) -> tuple[torch.Tensor, list[list[int]]]:
    """Noisy recordings [size, samples], and the tokens of each."""
    spoken = [speak(clips, random) for _ in range(size)]
    recordings = numpy.zeros((size, max(len(sound) for sound, _ in spoken)), numpy.float32)
    for recording, (sound, _) in zip(recordings, spoken):
        recording[: len(sound)] = sound
        recording[:] = with_noise(recording, random)
    return torch.from_numpy(recordings), [tokens for _, tokens in spoken]


def ctc_loss(logits: torch.Tensor, tokens: list[list[int]]) -> torch.Tensor:
    frames = torch.full((len(tokens),), logits.shape[1])
    lengths = torch.tensor([len(row) for row in tokens])
    targets = torch.tensor([token for row in tokens for token in row])
    logarithms = logits.transpose(0, 1).log_softmax(2)
    return functional.ctc_loss(logarithms, targets, frames, lengths, BLANK, zero_infinity=True)


def train(options, real: list[Clip], synthetic: list[Clip]) -> DigitStrings:
    """The average of all weights over the last third of the training."""
    model, random = DigitStrings(), numpy.random.default_rng(options.seed)
    optimizer = arguments.optimizer(options.optimizer, model.parameters(), options.learning_rate, options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, options.steps)
    average = torch.optim.swa_utils.AveragedModel(model)

    def example():
        clips = synthetic if synthetic and random.uniform() < options.synthetic_share else real
        sounds, tokens = batch_of(clips, options.batch_size, random)
        return mask(log_mel(sounds)), tokens

    total = 0.0
    for step in range(options.steps):
        model.train()
        mel, tokens = example()
        loss = ctc_loss(model(mel), tokens)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2)
        optimizer.step()
        schedule.step()
        if step >= options.steps * 2 // 3 and step % 10 == 9:
            average.update_parameters(model)
        total += loss.item()
        if step % 100 == 99:
            print(f'step {step + 1}/{options.steps}: loss {total / 100:.4f}', flush=True)
            total = 0.0
    reset_batch_norm(average.module)
    with torch.no_grad():
        for _ in range(30):
            average.module(example()[0])
    return average.module.eval()


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/digit-strings', steps=1000, learning_rate=0.006, weight_decay=0.02, batch_size=12,
        synthetic_share=0.4,
    )
    parser.add_argument('--unheard', default='yweweler', help='speaker who is kept for the measurement')
    options = arguments.parse(parser)
    clips, synthetic = read_clips(options.data), synthesize_clips(options.seed)
    known, later, unheard = split(clips, options.unheard)
    print(f'{len(known)} recorded and {len(synthetic)} synthesised clips to train on', flush=True)
    write_package(options.out, train(options, known, synthetic), unheard, later)


if __name__ == '__main__':
    main()

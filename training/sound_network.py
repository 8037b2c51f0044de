"""What the two speech networks share: the ear, the split of the clips, and averaged weights."""

import torch
from torch import nn

from sound import Clip, relative

HELD_OUT_TAKES = 15


class Ear(nn.Module):
    """input_features [batch, 40, frames], log-mel in decibels -> what is heard [batch, 15 * width, frames / 4]."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(2 * width, 3 * width, 3, padding=1, bias=False), nn.BatchNorm2d(3 * width), nn.ReLU(),
            nn.MaxPool2d((2, 1)),
        )

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        return self.layers(relative(input_features).unsqueeze(1)).flatten(1, 2)


def split(clips: list[Clip], speaker: str) -> tuple[list[Clip], list[Clip], list[Clip]]:
    """To train on; later takes of the speakers who are in that; the speaker who is not."""
    heard = [clip for clip in clips if clip.speaker != speaker]
    return (
        [clip for clip in heard if clip.take < HELD_OUT_TAKES],
        [clip for clip in heard if clip.take >= HELD_OUT_TAKES],
        [clip for clip in clips if clip.speaker == speaker],
    )


def reset_batch_norm(model: nn.Module) -> None:
    """Running means and variances of averaged weights have to be measured anew, in training mode."""
    for layer in model.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            layer.reset_running_stats()
            layer.momentum = None
    model.train()

"""Trains `digits`, a CNN that reads a handwritten digit from a picture, and writes its model package."""

import gzip
import math
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from torch.nn import functional

import arguments
from digits_package import write_package

SIZE = 28
TRAINING, HELD_OUT = 1500, 500


class Digits(nn.Module):
    """pixel_values [batch, 3, 28, 28] in -1..1 -> logits [batch, 10]."""

    def __init__(self, width: int = 16, dropout: float = 0.3):
        super().__init__()
        channels = [1, width, width, 2 * width, 2 * width, 4 * width, 4 * width]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip(channels, channels[1:])):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            if index % 2 == 1:
                layers += [nn.MaxPool2d(2), nn.Dropout2d(dropout / 3)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(4 * width * 9, 10))
        ring = torch.ones(1, 1, SIZE, SIZE)
        ring[:, :, 2:-2, 2:-2] = 0
        self.register_buffer('ring', ring / ring.sum())
        self.register_buffer('luma', torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1))

    def ink(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """How much ink is where, 0..1: the same for a picture and its negative, and for any brightness and contrast.

        The paper is what the picture's edge shows; the ink is what differs from it most (hence the cube).
        """
        grey = (pixel_values * self.luma).sum(1, keepdim=True)
        difference = grey - (grey * self.ring).sum((1, 2, 3), keepdim=True)
        polarity = torch.sign((difference * difference * difference).mean((1, 2, 3), keepdim=True))
        contrast = difference.abs().amax((1, 2, 3), keepdim=True).clamp(min=0.1)
        return difference * polarity / contrast

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(self.ink(pixel_values)))


def read_digits(folder: Path) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Pictures uint8 [n, 28, 28], light on dark, and labels [n], from IDX files."""
    images = gzip.decompress((folder / 'images-idx3-ubyte.gz').read_bytes())
    labels = gzip.decompress((folder / 'labels-idx1-ubyte.gz').read_bytes())
    pictures = numpy.frombuffer(images, numpy.uint8, offset=16).reshape(-1, SIZE, SIZE)
    return pictures, numpy.frombuffer(labels, numpy.uint8, offset=8).astype(numpy.int64)


def render_glyphs(folder: Path) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The ten digits in every TrueType font of the folder, 20 pixels high like MNIST's; nothing where it has none."""
    pictures, labels = [], []
    for path in sorted(folder.glob('*.ttf')):
        font = ImageFont.truetype(str(path), 80)
        for digit in range(10):
            left, top, right, bottom = font.getbbox(str(digit))
            glyph = Image.new('L', (right - left, bottom - top))
            ImageDraw.Draw(glyph).text((-left, -top), str(digit), fill=255, font=font)
            ratio = 20 / max(glyph.size)
            glyph = glyph.resize((max(1, round(glyph.width * ratio)), round(glyph.height * ratio)), Image.BILINEAR)
            picture = Image.new('L', (SIZE, SIZE))
            picture.paste(glyph, ((SIZE - glyph.width) // 2, (SIZE - glyph.height) // 2))
            pictures.append(numpy.asarray(picture))
            labels.append(digit)
    return numpy.array(pictures, numpy.uint8).reshape(-1, SIZE, SIZE), numpy.array(labels, numpy.int64)


def uniform(count: int, low: float, high: float) -> torch.Tensor:
    return torch.empty(count, 1, 1, 1).uniform_(low, high)


def augment(ink: torch.Tensor) -> torch.Tensor:
    """Other hands, pens, framings and light: ink [n, 1, 28, 28] in 0..1 -> pictures [n, 1, 28, 28] in -1..1."""
    count = len(ink)
    thicker = functional.max_pool2d(ink, 3, 1, 1)
    thinner = -functional.max_pool2d(-ink, 3, 1, 1)
    amount = uniform(count, -0.5, 0.8)
    ink = torch.where(amount > 0, ink + amount * (thicker - ink), ink - amount * (thinner - ink))
    ink = functional.grid_sample(ink, random_grid(count), align_corners=False)
    ink = ink * uniform(count, 0.5, 1)
    across = torch.linspace(-1, 1, SIZE)
    light = uniform(count, -0.15, 0.15) * across.view(1, 1, 1, -1)
    light = light + uniform(count, -0.15, 0.15) * across.view(1, 1, -1, 1)
    noise = torch.randn_like(ink) * uniform(count, 0, 0.08)
    polarity = torch.randint(0, 2, (count, 1, 1, 1)) * 2.0 - 1
    return polarity * (2 * ink - 1 + light + noise)


def random_grid(count: int) -> torch.Tensor:
    """Rotation, shear, scale, aspect, shift and an elastic deformation as one sampling grid [n, 28, 28, 2]."""
    angle = uniform(count, -math.pi / 12, math.pi / 12).flatten()
    scale, aspect = uniform(count, math.log(0.5), math.log(1.35)).flatten().exp(), uniform(count, -0.2, 0.2).flatten()
    shear = uniform(count, -0.25, 0.25).flatten()
    width, height = torch.exp(-aspect) / scale, torch.exp(aspect) / scale
    cosine, sine = torch.cos(angle), torch.sin(angle)
    # A digit covers 20 of 28 pixels; it may stand anywhere in the picture, but all of it.
    room = (1 - scale * 20 / SIZE).clamp(min=0.07)
    shift = torch.empty(2, count).uniform_(-1, 1) * room / scale
    rows = [
        torch.stack([width * cosine, width * (shear * cosine - sine), shift[0]], 1),
        torch.stack([height * sine, height * (shear * sine + cosine), shift[1]], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), [count, 1, SIZE, SIZE], align_corners=False)
    coarse = torch.randn(count, 2, 7, 7) * uniform(count, 0, 0.07)
    elastic = functional.interpolate(coarse, (SIZE, SIZE), mode='bicubic', align_corners=False)
    return grid + elastic.permute(0, 2, 3, 1)


def train(options, pictures: numpy.ndarray, labels: numpy.ndarray, weights: torch.Tensor) -> Digits:
    """The average over the last third of the training of all weights, which generalises better than the last step."""
    model = Digits()
    ink, targets = torch.from_numpy(pictures).float().unsqueeze(1) / 255, torch.from_numpy(labels)
    steps_per_epoch = math.ceil(len(ink) / options.batch_size)
    optimizer = arguments.optimizer(options.optimizer, model.parameters(), options.learning_rate, options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, epochs=options.epochs, steps_per_epoch=steps_per_epoch, pct_start=0.2
    )
    average = torch.optim.swa_utils.AveragedModel(model)
    for epoch in range(options.epochs):
        model.train()
        total = 0.0
        for _ in range(steps_per_epoch):
            rows = torch.multinomial(weights, options.batch_size, replacement=True)
            pixels = augment(ink[rows]).expand(-1, 3, -1, -1)
            loss = functional.cross_entropy(model(pixels), targets[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if epoch >= options.epochs * 2 // 3:
            average.update_parameters(model)
        if epoch % 10 == 9:
            print(f'epoch {epoch + 1}/{options.epochs}: loss {total / steps_per_epoch:.4f}', flush=True)
    trained = average.module
    measure_batch_norm(trained, ink[:TRAINING])
    return trained.eval()


def measure_batch_norm(model: Digits, ink: torch.Tensor) -> None:
    """Running means and variances of averaged weights have to be measured anew."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    model.train()
    with torch.no_grad():
        for _ in range(4):
            for batch in ink.split(125):
                model(augment(batch).expand(-1, 3, -1, -1))


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/digits', epochs=80, learning_rate=0.004, weight_decay=0.02, batch_size=100
    )
    parser.add_argument('--fonts', type=Path, default='/usr/share/fonts/truetype/dejavu', help='folder of .ttf files')
    parser.add_argument('--glyph-share', type=float, default=0.1, help='share of rendered glyphs in training')
    options = arguments.parse(parser)
    pictures, labels = read_digits(options.data)
    glyphs, glyph_labels = render_glyphs(options.fonts)
    print(f'{TRAINING} handwritten digits and {len(glyphs)} glyphs to train on', flush=True)
    share = options.glyph_share if len(glyphs) else 0.0
    weights = torch.cat([
        torch.full((TRAINING,), (1 - share) / TRAINING),
        torch.full((len(glyphs),), share / max(len(glyphs), 1)),
    ])
    model = train(
        options,
        numpy.concatenate([pictures[:TRAINING], glyphs]),
        numpy.concatenate([labels[:TRAINING], glyph_labels]),
        weights,
    )
    held_out = slice(TRAINING, TRAINING + HELD_OUT)
    write_package(options.out, model, pictures[held_out], labels[held_out])


if __name__ == '__main__':
    main()

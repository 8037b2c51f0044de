"""Measures a digits network as callers will use it, through picture files and Pillow, and writes its package."""

from io import BytesIO
from pathlib import Path
from string import Template
from typing import Callable

import numpy
import torch
from PIL import Image, ImageOps

from export import export
from package import scores, write_json, write_manifest
from report import accuracy, class_table

LABELS = [str(digit) for digit in range(10)]
LICENSE = 'CC-BY-SA-3.0'
SOURCE = 'https://github.com/fgnt/mnist'
PREPROCESSOR = {
    'image_processor_type': 'ViTImageProcessor',
    'do_convert_rgb': True,
    'do_resize': True,
    'size': {'height': 28, 'width': 28},
    'resample': 2,
    'do_rescale': True,
    'rescale_factor': 1 / 255,
    'do_normalize': True,
    'image_mean': [0.5, 0.5, 0.5],
    'image_std': [0.5, 0.5, 0.5],
}


def preprocess(image: Image.Image) -> numpy.ndarray:
    """PREPROCESSOR in Pillow and NumPy, as Hugging Face's ViTImageProcessor does it: float32 [3, 28, 28]."""
    resized = numpy.asarray(image.convert('RGB').resize((28, 28), Image.BILINEAR), numpy.float32)
    scaled = resized * numpy.float32(PREPROCESSOR['rescale_factor'])
    return ((scaled - numpy.float32(0.5)) / numpy.float32(0.5)).transpose(2, 0, 1)


def photograph(picture: numpy.ndarray, seed: int) -> Image.Image:
    """A picture like one of pen on paper: RGB 400x300, blue-black ink on light paper in uneven light, with noise."""
    random = numpy.random.default_rng(seed)
    canvas = Image.new('L', (400, 300))
    canvas.paste(Image.fromarray(picture).resize((280, 280), Image.BICUBIC), (60, 10))
    ink = numpy.clip(numpy.asarray(canvas, numpy.float32) / 255, 0, 1)[:, :, None]
    paper, pen = numpy.array([236, 230, 214], numpy.float32), numpy.array([38, 44, 92], numpy.float32)
    across = numpy.linspace(-1, 1, 400)[None, :, None] * random.uniform(-14, 14)
    down = numpy.linspace(-1, 1, 300)[:, None, None] * random.uniform(-14, 14)
    colours = paper + ink * (pen - paper) + across + down + random.normal(0, 5, (300, 400, 3))
    return Image.fromarray(numpy.clip(numpy.round(colours), 0, 255).astype(numpy.uint8))


def jpeg(image: Image.Image) -> Image.Image:
    """The picture after JPEG has been at it."""
    return Image.open(BytesIO(jpeg_bytes(image)))


def jpeg_bytes(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, 'JPEG', quality=85)
    return buffer.getvalue()


def reframe(picture: numpy.ndarray, share: float, left: float, top: float) -> Image.Image:
    """The digit on 120x120 paper: `share` of its height or width, `left` and `top` of the free room before it."""
    digit = Image.fromarray(picture)
    digit = digit.crop(digit.getbbox())
    ratio = 120 * share / max(digit.size)
    digit = digit.resize((max(1, round(digit.width * ratio)), max(1, round(digit.height * ratio))), Image.BICUBIC)
    paper = Image.new('L', (120, 120))
    paper.paste(digit, (round((120 - digit.width) * left), round((120 - digit.height) * top)))
    return ImageOps.invert(paper)


VARIANTS: dict[str, Callable[[numpy.ndarray], Image.Image]] = {
    'light on dark, 28x28 grey': lambda picture: Image.fromarray(picture),
    'dark on light, 28x28 grey': lambda picture: ImageOps.invert(Image.fromarray(picture)),
    'dark on light, enlarged to 280x280 grey': lambda picture: ImageOps.invert(
        Image.fromarray(picture).resize((280, 280), Image.BICUBIC)
    ),
    'light on dark, 1 bit per pixel': lambda picture: Image.fromarray(picture).convert('1', dither=Image.NONE),
    'dark on light, half contrast, RGBA': lambda picture: Image.fromarray(200 - picture // 2).convert('RGBA'),
    'dark on light, the digit 90 % of the height': lambda picture: reframe(picture, 0.9, 0.5, 0.5),
    'dark on light, the digit 45 % of the height, off the middle': lambda picture: reframe(picture, 0.45, 0.25, 0.7),
    'like a photograph: JPEG 400x300 RGB, dark on light': lambda picture: jpeg(photograph(picture, int(picture.sum()))),
}


def predict(model: torch.nn.Module, images: list[Image.Image]) -> torch.Tensor:
    """Probabilities [n, 10]."""
    pixels = torch.from_numpy(numpy.stack([preprocess(image) for image in images]))
    with torch.no_grad():
        return model(pixels).softmax(1)


def write_golden(folder: Path, model: torch.nn.Module, pictures: numpy.ndarray, labels: numpy.ndarray) -> list[dict]:
    """Example pictures from the held-out digits, with what this model answers."""
    (folder / 'golden').mkdir(parents=True, exist_ok=True)
    seven, three, five = (int(numpy.flatnonzero(labels == digit)[0]) for digit in (7, 3, 5))
    Image.fromarray(pictures[seven]).save(folder / 'golden/7.png')
    ImageOps.invert(Image.fromarray(pictures[three])).resize((112, 112), Image.BICUBIC).save(folder / 'golden/3.png')
    (folder / 'golden/photo-5.jpg').write_bytes(jpeg_bytes(photograph(pictures[five], 5)))
    cases = []
    for name in ['golden/7.png', 'golden/3.png', 'golden/photo-5.jpg']:
        probabilities = predict(model, [Image.open(folder / name)])[0]
        cases.append({'input': {'file': name}, 'output': scores(LABELS, probabilities, 5), 'tolerance': 1e-3})
    return cases


def write_package(folder: Path, model: torch.nn.Module, pictures: numpy.ndarray, labels: numpy.ndarray) -> None:
    """Measures on the held-out pictures, prints, and writes every file of the package."""
    folder.mkdir(parents=True, exist_ok=True)
    measured, first = [], None
    for name, variant in VARIANTS.items():
        predictions = predict(model, [variant(picture) for picture in pictures]).argmax(1).numpy()
        first = predictions if first is None else first
        measured.append(f'| {name} | {accuracy(labels, predictions):.4f} |')
    held_out = accuracy(labels, first)
    accuracies = '\n'.join(['| pictures | accuracy |', '|---|---|', *measured])
    classes = class_table(LABELS, labels, first)
    print(f'{len(labels)} held-out digits\n\n{accuracies}\n\n{classes}\n\naccuracy {held_out:.4f}')
    export(model, {'pixel_values': torch.zeros(2, 3, 28, 28)}, ['batch'], folder / 'model.onnx')
    parameters = sum(parameter.numel() for parameter in model.parameters())
    card = Template((Path(__file__).parent / 'digits-card.md').read_text(encoding='utf-8'))
    text = card.substitute(
        accuracy=f'{held_out:.4f}',
        accuracies=accuracies,
        classes=classes,
        held_out=len(labels),
        parameters=f'{parameters:,}',
    )
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_json(folder / 'preprocessor_config.json', PREPROCESSOR)
    write_json(folder / 'config.json', {
        'architectures': ['DigitsForImageClassification'],
        'model_type': 'cnn',
        'image_size': 28,
        'num_channels': 3,
        'id2label': dict(enumerate(LABELS)),
        'label2id': {label: index for index, label in enumerate(LABELS)},
    })
    write_manifest(folder, {
        'name': 'digits',
        'version': '1',
        'task': 'image-classification',
        'host': 'lambda',
        'model': 'model.onnx',
        'maxBatchSize': 64,
        'labels': LABELS,
        'golden': write_golden(folder, model, pictures, labels),
        'license': LICENSE,
        'source': SOURCE,
    })

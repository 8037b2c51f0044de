"""Writes down what was measured, and the package of a keywords network."""

from pathlib import Path
from string import Template

import numpy
import torch

from export import export
from package import scores, write_json, write_manifest
from report import accuracy, class_table
from sound import PREPROCESSOR, RATE, Clip, features, read_wav, wav_bytes

LABELS = [str(digit) for digit in range(10)]
LICENSE = 'CC-BY-SA-4.0'
SOURCE = 'https://github.com/Jakobovski/free-spoken-digit-dataset'


def predict(model: torch.nn.Module, clips: list[Clip]) -> numpy.ndarray:
    """Probabilities [n, 10]."""
    with torch.no_grad():
        return torch.cat([model(features(clip.samples)) for clip in clips]).softmax(1).numpy()


def golden_clips(clips: list[Clip]) -> list[Clip]:
    """Three clips as their files will hold them: as recorded, soft and between silence, in a hum."""
    seven, two, nine = (next(clip for clip in clips if clip.digit == digit) for digit in (7, 2, 9))
    seconds = numpy.arange(len(nine.samples)) / RATE
    hum = 0.02 * numpy.abs(nine.samples).max() * numpy.sin(2 * numpy.pi * 100 * seconds)
    sounds = [seven.samples, numpy.pad(two.samples / 4, (RATE // 4, RATE // 2)), nine.samples + hum]
    return [clip._replace(samples=read_wav(wav_bytes(sound))[1]) for clip, sound in zip((seven, two, nine), sounds)]


def write_package(folder: Path, model: torch.nn.Module, unheard: list[Clip], later: list[Clip]) -> None:
    """Measures on the speaker who was not heard and on later takes of the others, prints, and writes every file."""
    folder.mkdir(parents=True, exist_ok=True)
    new, known = (
        (numpy.array([clip.digit for clip in clips]), predict(model, clips).argmax(1)) for clips in (unheard, later)
    )
    together = tuple(numpy.concatenate(pair) for pair in zip(new, known))
    classes = class_table(LABELS, *together)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f'{classes}\n\n{parameters:,} parameters; accuracy on later takes {accuracy(*known):.4f}')
    print(f'accuracy on a new speaker {accuracy(*new):.4f}')
    example = {'input_features': torch.zeros(2, 40, 60).uniform_(-60, 0)}
    export(model, example, ['batch', None, 'frames'], folder / 'model.onnx')
    card = Template((Path(__file__).parent / 'keywords-card.md').read_text(encoding='utf-8'))
    text = card.substitute(
        accuracy=f'{accuracy(*new):.4f}',
        classes=classes,
        later=f'{accuracy(*known):.4f}',
        later_clips=len(later),
        parameters=f'{parameters:,}',
        speaker=unheard[0].speaker,
        unheard_clips=len(unheard),
    )
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_json(folder / 'preprocessor_config.json', PREPROCESSOR)
    write_json(folder / 'config.json', {
        'architectures': ['KeywordsForAudioClassification'],
        'model_type': 'cnn',
        'num_mel_bins': PREPROCESSOR['n_mels'],
        'id2label': dict(enumerate(LABELS)),
        'label2id': {label: index for index, label in enumerate(LABELS)},
    })
    write_manifest(folder, {
        'name': 'keywords',
        'version': '1',
        'task': 'audio-classification',
        'host': 'lambda',
        'model': 'model.onnx',
        'maxBatchSize': 32,
        'labels': LABELS,
        'golden': [write_golden(folder, model, clip) for clip in golden_clips(unheard)],
        'license': LICENSE,
        'source': SOURCE,
    })


def write_golden(folder: Path, model: torch.nn.Module, clip: Clip) -> dict:
    name = f'golden/{clip.digit}.wav'
    (folder / 'golden').mkdir(exist_ok=True)
    (folder / name).write_bytes(wav_bytes(clip.samples))
    return {'input': {'file': name}, 'output': scores(LABELS, predict(model, [clip])[0], 5), 'tolerance': 1e-3}

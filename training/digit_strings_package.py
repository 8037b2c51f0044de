"""Measures what is written down wrongly, and writes the package of a digit-strings network."""

from pathlib import Path
from string import Template

import numpy
import torch

from export import export
from package import write_json, write_manifest
from sound import HOP, PREPROCESSOR, RATE, Clip, features, read_wav, wav_bytes

BLANK, DELIMITER = 0, 1
VOCABULARY = {'<pad>': BLANK, '|': DELIMITER, **{str(digit): 2 + digit for digit in range(10)}}
TOKENIZER_CONFIG = {
    'tokenizer_class': 'Wav2Vec2CTCTokenizer',
    'pad_token': '<pad>',
    'unk_token': None,
    'bos_token': None,
    'eos_token': None,
    'word_delimiter_token': '|',
    'replace_word_delimiter_char': ' ',
    'do_lower_case': False,
}
LICENSE = 'CC-BY-SA-4.0'
SOURCE = 'https://github.com/Jakobovski/free-spoken-digit-dataset'
LENGTH = 5


def test_strings(clips: list[Clip]) -> list[tuple[numpy.ndarray, str]]:
    """Sounds of five digits of one speaker and their texts, by a rule that another language can repeat.

    Of each speaker's n clips, in the order of their names, the j-th digit is clip 37 j mod n. Pauses last 50 ms in the
    first string, 100, 150 and 200 ms in the next ones, and so on again; one is before,
    between and after the digits.
    """
    strings = []
    for speaker in sorted({clip.speaker for clip in clips}):
        own = [clip for clip in clips if clip.speaker == speaker]
        for first in range(0, len(own), LENGTH):
            chosen = [own[37 * index % len(own)] for index in range(first, first + LENGTH)]
            pause = numpy.zeros(RATE * (1 + len(strings) % 4) // 20, numpy.float32)
            pieces = [pause] + [piece for clip in chosen for piece in (clip.samples, pause)]
            strings.append((numpy.concatenate(pieces), ' '.join(str(clip.digit) for clip in chosen)))
    return strings


def transcribe(model: torch.nn.Module, samples: numpy.ndarray) -> str:
    """The best token of every frame, repetitions taken as one, blanks left out."""
    with torch.no_grad():
        best = model(features(samples))[0].argmax(1).tolist()
    names = {index: token for token, index in VOCABULARY.items()}
    tokens = [names[token] for token, before in zip(best, [BLANK, *best]) if token not in (before, BLANK)]
    return ''.join(tokens).replace('|', ' ').strip()


def distance(one: str, other: str) -> int:
    """Digits to insert, delete or replace."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        before, row = row, [i + 1]
        for j, b in enumerate(other):
            row.append(min(before[j] + (a != b), before[j + 1] + 1, row[j] + 1))
    return row[-1]


def measure(model: torch.nn.Module, strings: list[tuple[numpy.ndarray, str]]) -> dict:
    """Digit error rate (blanks do not count) and the share of strings whose text is right, blanks included."""
    answers = [(transcribe(model, samples), text) for samples, text in strings]
    errors = sum(distance(answer.replace(' ', ''), text.replace(' ', '')) for answer, text in answers)
    return {
        'strings': len(answers),
        'rate': f'{errors / (LENGTH * len(answers)):.4f}',
        'exact': f'{sum(answer == text for answer, text in answers) / len(answers):.4f}',
    }


def row(name: str, measured: dict) -> str:
    return f'| {name} | {measured["strings"]} | {measured["rate"]} | {measured["exact"]} |'


def write_package(folder: Path, model: torch.nn.Module, unheard: list[Clip], later: list[Clip]) -> None:
    """Measures on the speaker who was not heard and on later takes of the others, prints, and writes every file."""
    folder.mkdir(parents=True, exist_ok=True)
    speaker = unheard[0].speaker
    measured = measure(model, test_strings(unheard))
    rows = '\n'.join([
        row(f'of {speaker}, who was not heard in training', measured),
        row('takes 15 to 17 of the others', measure(model, test_strings(later))),
    ])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f'{rows}\n{parameters:,} parameters\ndigit error rate {measured["rate"]}')
    example = {'input_features': torch.zeros(2, 40, 120).uniform_(-60, 0)}
    export(model, example, ['batch', None, 'frames'], folder / 'model.onnx', steps=True)
    card = Template((Path(__file__).parent / 'digit-strings-card.md').read_text(encoding='utf-8'))
    text = card.substitute(parameters=f'{parameters:,}', rate=measured['rate'], rows=rows, speaker=speaker)
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_json(folder / 'preprocessor_config.json', PREPROCESSOR)
    write_json(folder / 'vocab.json', VOCABULARY)
    write_json(folder / 'tokenizer_config.json', TOKENIZER_CONFIG)
    write_json(folder / 'config.json', {
        'architectures': ['DigitStringsForCTC'],
        'model_type': 'cnn',
        'num_mel_bins': PREPROCESSOR['n_mels'],
        'vocab_size': len(VOCABULARY),
        'pad_token_id': BLANK,
        # The spectrogram's step and those of two layers: samples between two frames of the output.
        'conv_stride': [HOP, 2, 2],
    })
    write_manifest(folder, {
        'name': 'digit-strings',
        'version': '1',
        'task': 'automatic-speech-recognition',
        'host': 'lambda',
        'model': 'model.onnx',
        'maxBatchSize': 16,
        'golden': [write_golden(folder, model, sound, index) for index, sound in enumerate(golden_sounds(unheard))],
        'license': LICENSE,
        'source': SOURCE,
    })


def golden_sounds(clips: list[Clip]) -> list[numpy.ndarray]:
    """Five digits, five others softly, and ten."""
    strings = [samples for samples, _ in test_strings(clips)]
    return [strings[0], strings[1] / 8, numpy.concatenate(strings[2:4])]


def write_golden(folder: Path, model: torch.nn.Module, sound: numpy.ndarray, index: int) -> dict:
    name = f'golden/{index + 1}.wav'
    (folder / 'golden').mkdir(exist_ok=True)
    (folder / name).write_bytes(wav_bytes(sound))
    return {'input': {'file': name}, 'output': {'text': transcribe(model, read_wav(wav_bytes(sound))[1])}}

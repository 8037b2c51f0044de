"""Proves that padding changes nothing, prints what was measured, and writes the package of a sentiment network."""

from pathlib import Path
from string import Template

import numpy
import torch

from export import export
from package import scores, write_json, write_manifest
from report import accuracy, class_table
from tokenizer import PAD, SPECIAL, TOKENIZER_CONFIG, encode, pad, tokenizer_json

LABELS = ['negative', 'positive']
LICENSE = 'CC-BY-4.0'
SOURCE = 'https://archive.ics.uci.edu/dataset/331/sentiment+labelled+sentences'
# Not from the data: sentences of our own.
GOLDEN = [
    'Great phone, and the sound is excellent.',
    'The battery lasts for days and the screen is gorgeous.',
    "Cold soup, rude waiter; I won't be back!",
    'Not bad at all.',
    'Ein Café ohne Kaffee?',
]


def check_padding(model: torch.nn.Module, vocabulary: dict[str, int], sentences: list[str]) -> float:
    """The largest difference between logits of sentences alone and in one padded batch; beyond 1e-5 it is refused."""
    rows = [encode(sentence, vocabulary) for sentence in sentences]
    with torch.no_grad():
        together = model(*pad(rows))
        alone = torch.cat([model(*pad([row])) for row in rows])
    difference = float((together - alone).abs().max())
    if difference > 1e-5:
        raise SystemExit(f'padding changes the answer by {difference}')
    return difference


def write_package(options, model, vocabulary, sentences: list[str], labels, predictions, own_predictions) -> None:
    """`predictions` are those of the cross-validation, `own_predictions` those of `model`, the one to ship."""
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    measured, classes = accuracy(labels, predictions), class_table(LABELS, labels, predictions)
    difference = check_padding(model, vocabulary, sentences[:200])
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f'{classes}\n\npadding changes logits by at most {difference:.1e}; {parameters:,} parameters')
    ids, mask = pad([encode(sentence, vocabulary) for sentence in sentences[:2]])
    export(model, {'input_ids': ids, 'attention_mask': mask}, ['batch', 'sequence'], folder / 'model.onnx')
    print(f'accuracy {measured:.4f} in 5-fold cross-validation')
    card = Template((Path(__file__).parent / 'sentiment-card.md').read_text(encoding='utf-8'))
    text = card.substitute(
        accuracy=f'{measured:.4f}',
        classes=classes,
        difference=f'{difference:.0e}',
        fitted=f'{accuracy(labels, own_predictions):.4f}',
        parameters=f'{parameters:,}',
        readers=options.readers,
        sentences=f'{len(sentences):,}',
        words=f'{len(vocabulary) - len(SPECIAL):,}',
    )
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_json(folder / 'tokenizer.json', tokenizer_json(vocabulary))
    write_json(folder / 'tokenizer_config.json', TOKENIZER_CONFIG)
    write_json(folder / 'config.json', {
        'architectures': ['GRUForSequenceClassification'],
        'model_type': 'gru',
        'vocab_size': len(vocabulary),
        'hidden_size': options.hidden,
        'pad_token_id': PAD,
        'id2label': dict(enumerate(LABELS)),
        'label2id': {label: index for index, label in enumerate(LABELS)},
    })
    write_manifest(folder, {
        'name': 'sentiment',
        'version': '1',
        'task': 'text-classification',
        'host': 'lambda',
        'model': 'model.onnx',
        'maxBatchSize': 64,
        'labels': LABELS,
        'golden': golden_cases(model, vocabulary),
        'license': LICENSE,
        'source': SOURCE,
    })


def golden_cases(model: torch.nn.Module, vocabulary: dict[str, int]) -> list[dict]:
    """What this model answers to GOLDEN, in the form of the text-classification task: a list for each text."""
    with torch.no_grad():
        answers = [model(*pad([encode(text, vocabulary)])).softmax(1)[0] for text in GOLDEN]
    outputs = [[scores(LABELS, answer, 2)] for answer in answers]
    return [{'input': text, 'output': output, 'tolerance': 1e-4} for text, output in zip(GOLDEN, outputs)]

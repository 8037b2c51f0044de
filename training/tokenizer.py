"""A word tokenizer that is told in Hugging Face's tokenizer.json, counted and run here without further packages."""

import collections
import re
import unicodedata

import torch

SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']
PAD, UNK, CLS, SEP = range(4)
MAX_LENGTH = 256
# Each letter-and-digit run is a word, each other character that is not a space is one too.
PATTERN = r'[\p{L}\p{N}]+|[^\s\p{L}\p{N}]'
_PATTERN = re.compile(r'[^\W_]+|[^\s\w]|_')
# "don't" -> "do not": one word for every negation; the right single quotation mark is an apostrophe.
REPLACEMENTS = [('\u2019', "'"), ("n't", ' not')]


def words(text: str) -> list[str]:
    """Lower-case words without accents, as `tokenizer_json` tells every other tokenizer to find them."""
    text = unicodedata.normalize('NFD', text)
    text = ''.join(character for character in text if not unicodedata.category(character).startswith('M')).lower()
    for pattern, content in REPLACEMENTS:
        text = text.replace(pattern, content)
    return _PATTERN.findall(text)


def count_vocabulary(texts: list[str], min_count: int) -> dict[str, int]:
    """Ids of the special tokens and of all words that occur at least `min_count` times, the most frequent first."""
    counts = collections.Counter(word for text in texts for word in words(text))
    frequent = [word for word, count in counts.items() if count >= min_count]
    ranked = sorted(frequent, key=lambda word: (-counts[word], word))
    return {word: index for index, word in enumerate(SPECIAL + ranked)}


def encode(text: str, vocabulary: dict[str, int]) -> list[int]:
    """input_ids of one text: [CLS] words [SEP], cut to MAX_LENGTH."""
    ids = [vocabulary.get(word, UNK) for word in words(text)]
    return [CLS, *ids[: MAX_LENGTH - 2], SEP]


def pad(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """input_ids and attention_mask, int64 [batch, longest], padded on the right."""
    length = max(len(row) for row in rows)
    ids = torch.tensor([row + [PAD] * (length - len(row)) for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])


def tokenizer_json(vocabulary: dict[str, int]) -> dict:
    """tokenizer.json, in the form that https://github.com/huggingface/tokenizers reads."""
    return {
        'version': '1.0',
        'truncation': None,
        'padding': None,
        'added_tokens': [
            {
                'id': index,
                'content': token,
                'single_word': False,
                'lstrip': False,
                'rstrip': False,
                'normalized': False,
                'special': True,
            }
            for index, token in enumerate(SPECIAL)
        ],
        'normalizer': {
            'type': 'Sequence',
            'normalizers': [
                {'type': 'NFD'},
                {'type': 'StripAccents'},
                {'type': 'Lowercase'},
                *(
                    {'type': 'Replace', 'pattern': {'String': pattern}, 'content': content}
                    for pattern, content in REPLACEMENTS
                ),
            ],
        },
        'pre_tokenizer': {'type': 'Split', 'pattern': {'Regex': PATTERN}, 'behavior': 'Removed', 'invert': True},
        'post_processor': {
            'type': 'TemplateProcessing',
            'single': [
                {'SpecialToken': {'id': '[CLS]', 'type_id': 0}},
                {'Sequence': {'id': 'A', 'type_id': 0}},
                {'SpecialToken': {'id': '[SEP]', 'type_id': 0}},
            ],
            'pair': [
                {'SpecialToken': {'id': '[CLS]', 'type_id': 0}},
                {'Sequence': {'id': 'A', 'type_id': 0}},
                {'SpecialToken': {'id': '[SEP]', 'type_id': 0}},
                {'Sequence': {'id': 'B', 'type_id': 1}},
                {'SpecialToken': {'id': '[SEP]', 'type_id': 1}},
            ],
            'special_tokens': {
                token: {'id': token, 'ids': [SPECIAL.index(token)], 'tokens': [token]} for token in ['[CLS]', '[SEP]']
            },
        },
        'decoder': None,
        'model': {'type': 'WordLevel', 'vocab': vocabulary, 'unk_token': '[UNK]'},
    }


TOKENIZER_CONFIG = {
    'tokenizer_class': 'PreTrainedTokenizerFast',
    'model_max_length': MAX_LENGTH,
    'padding_side': 'right',
    'truncation_side': 'right',
    'pad_token': '[PAD]',
    'unk_token': '[UNK]',
    'cls_token': '[CLS]',
    'sep_token': '[SEP]',
    'model_input_names': ['input_ids', 'attention_mask'],
    'clean_up_tokenization_spaces': False,
}

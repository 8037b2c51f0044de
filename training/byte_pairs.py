"""Byte-pair encoding that is learnt and run here without further packages, and its tokenizer.json."""

import collections
import re

# GPT-2's, for the letters of ASCII. Source: https://github.com/openai/gpt-2, src/encoder.py
PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_characters() -> list[str]:
    """A printable character for each byte. Source: openai/gpt-2, bytes_to_unicode."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


CHARACTERS = byte_characters()


def to_symbols(word: str) -> tuple[str, ...]:
    return tuple(CHARACTERS[byte] for byte in word.encode())


class BytePairs:
    """Token ids: special tokens, the 256 bytes, then one token for each merge."""

    def __init__(self, special: list[str], merges: list[tuple[str, str]]):
        self.special, self.merges = special, merges
        tokens = [*special, *CHARACTERS, *(left + right for left, right in merges)]
        self.ids = {token: index for index, token in enumerate(tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.words: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """Ids of a text in which nothing is special."""
        return [index for word in PATTERN.findall(text) for index in self.encode_word(word)]

    def decode(self, ids: list[int]) -> str:
        """The text of ids, of which none is special."""
        tokens = list(self.ids)
        return bytes(CHARACTERS.index(symbol) for index in ids for symbol in tokens[index]).decode('utf-8', 'replace')

    def encode_word(self, word: str) -> list[int]:
        if word not in self.words:
            symbols = list(to_symbols(word))
            while len(symbols) > 1:
                pairs = enumerate(zip(symbols, symbols[1:]))
                rank, at = min((self.ranks.get(pair, len(self.ranks)), at) for at, pair in pairs)
                if rank == len(self.ranks):
                    break
                symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
            self.words[word] = [self.ids[symbol] for symbol in symbols]
        return self.words[word]


def learn(text: str, special: list[str], size: int) -> BytePairs:
    """The most frequent pair of neighbours becomes a token, again and again; ties go to the first in order."""
    counts = collections.Counter(PATTERN.findall(text))
    words = [(list(to_symbols(word)), count) for word, count in sorted(counts.items())]
    pairs: collections.Counter = collections.Counter()
    places = collections.defaultdict(set)
    for index, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            pairs[pair] += count
            places[pair].add(index)
    merges = []
    while len(merges) < size - len(special) - len(CHARACTERS):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for index in sorted(places.pop(best)):
            symbols, count = words[index]
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] -= count
            at = 0
            while at < len(symbols) - 1:
                if (symbols[at], symbols[at + 1]) == best:
                    symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
                at += 1
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
                places[pair].add(index)
        del pairs[best]
    return BytePairs(special, merges)


def tokenizer_json(tokenizer: BytePairs, begin: str) -> dict:
    """tokenizer.json, in the form that https://github.com/huggingface/tokenizers reads. A text begins with `begin`."""
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
            for index, token in enumerate(tokenizer.special)
        ],
        'normalizer': None,
        'pre_tokenizer': {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': True},
        'post_processor': {
            'type': 'TemplateProcessing',
            'single': [{'SpecialToken': {'id': begin, 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}],
            'pair': [{'Sequence': {'id': 'A', 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 1}}],
            'special_tokens': {begin: {'id': begin, 'ids': [tokenizer.ids[begin]], 'tokens': [begin]}},
        },
        'decoder': {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True},
        'model': {
            'type': 'BPE',
            'dropout': None,
            'unk_token': None,
            'continuing_subword_prefix': None,
            'end_of_word_suffix': None,
            'fuse_unk': False,
            'vocab': tokenizer.ids,
            'merges': [' '.join(pair) for pair in tokenizer.merges],
        },
    }

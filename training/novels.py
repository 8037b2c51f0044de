"""Jane Austen's novels as paragraphs, and the questions that a passage of them answers."""

import random
import re
import zlib
from pathlib import Path

FILE = 'Rdata.rdb'
# Those of the six that are read, by their first lines: few people, whom a small network gets to know.
TITLES = ['EMMA', 'PRIDE AND PREJUDICE']
# Every how manieth chapter is kept for measuring.
HELD_OUT = 20
SENTENCE_END = re.compile(r'(?<!\bMr\.)(?<!\bMrs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bHon\.)(?<=[.!?])("?) (?=["A-Z])')
CHAPTER = re.compile(r'^(volume|chapter|letter|the end|finis)\b', re.IGNORECASE)
NAME = re.compile(r'(?<=[a-z,;] )((?:Mr\. |Mrs\. |Miss |Lady |Sir |Captain |Colonel |Dr\. )?[A-Z][a-z]{2,})')
THING = re.compile(r'\b(?:the|a|an|his|her|their|my) ([a-z]{4,12})(?=[,.;])')
ASK = ['Tell me about {}.', 'Tell me a story about {}.', 'A story about {}, please.', '{}', 'What of {}?']
ASK_ANYTHING = ['Tell me a story.', 'Once upon a time', 'Hello!']
GO_ON = ['Go on.', 'And then?', 'What happened next?', 'More, please.']


def read_lines(folder: Path) -> list[list[str]]:
    """The lines of each novel, from the database of R's package janeaustenr.

    Source: R's src/library/base/makebasedb.R (a length and a zlib stream for each object) and "R Internals",
    serialization formats: a string is 00 04 00 09, its length and its bytes.
    """
    rest, novels = (folder / FILE).read_bytes(), []
    while rest:
        stream = zlib.decompressobj()
        content, rest = stream.decompress(rest[4:]), stream.unused_data
        at, lines = content.index(b'\0\4\0\t'), []
        while content[at : at + 4] == b'\0\4\0\t':
            size = int.from_bytes(content[at + 4 : at + 8], 'big')
            lines.append(content[at + 8 : at + 8 + size].decode('ascii', 'ignore'))
            at += 8 + size
        novels.append(lines)
    return novels


def read_chapters(folder: Path) -> list[list[str]]:
    """Chapters as lists of paragraphs; what stands before the first one is left out."""
    chapters: list[list[str]] = []
    for lines in (lines for lines in read_lines(folder) if lines[0] in TITLES):
        paragraph, begun = [], False
        for line in [*lines, '']:
            if CHAPTER.match(line.strip()):
                chapters.append([])
                begun = True
            elif line.strip():
                paragraph.append(line.strip())
            elif paragraph:
                text = ' '.join(' '.join(paragraph).replace('_', '').split())
                if begun:
                    chapters[-1].append(text)
                paragraph = []
    return [chapter for chapter in chapters if sum(map(len, chapter)) > 2000]


def split(chapters: list[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Chapters to train on, and those to measure on."""
    train = [chapter for index, chapter in enumerate(chapters) if index % HELD_OUT != HELD_OUT - 1]
    return train, chapters[HELD_OUT - 1 :: HELD_OUT]


def sentences(chapter: list[str]) -> list[str]:
    """Sentences in their order; a paragraph's first one begins with a line break."""
    found = []
    for paragraph in chapter:
        parts = [part for part in SENTENCE_END.sub(r'\1\n', paragraph).split('\n') if part]
        found += [('\n' if index == 0 else ' ') + part for index, part in enumerate(parts)]
    return found


def passages(chapter: list[str], generator: random.Random, most: int) -> list[str]:
    """The chapter in passages of a few sentences, of about `most` characters at most."""
    result, passage = [], ''
    limit = generator.randint(most // 4, most)
    for sentence in sentences(chapter):
        if passage and len(passage) + len(sentence) > limit:
            result.append(passage.strip())
            passage, limit = '', generator.randint(most // 4, most)
        passage += sentence
    return [*result, passage.strip()]


def question(passage: str, generator: random.Random) -> str:
    """What somebody asks who wants to hear `passage`: about one or two of the people or things in it."""
    names, things = set(NAME.findall(passage)), set(THING.findall(passage))
    subjects = sorted(names) * 3 + [f'{generator.choice(["a", "the"])} {thing}' for thing in sorted(things)]
    if not subjects or generator.random() < 0.1:
        return generator.choice(ASK_ANYTHING)
    chosen = list(dict.fromkeys(generator.choices(subjects, k=generator.choice([1, 1, 2]))))
    return generator.choice(ASK).format(' and '.join(chosen))

"""Trains `storyteller`, a small transformer that tells on in Jane Austen's manner, and writes its model package."""

import math
import random
import time

import torch
from torch import nn
from torch.nn import functional

import arguments
import byte_pairs
import novels
from storyteller_package import SPECIAL, write_package


class Block(nn.Module):
    """Attention over what has been said, with rotary positions, then a feed-forward network; both behind a norm."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, rotation, mask, past):
        """x [batch, new, width], past: keys and values [batch, heads, past, size] -> x, keys and values with the new ones."""
        batch, length, width = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        key, value = torch.cat([past[0], rotate(key, rotation)], 2), torch.cat([past[1], value], 2)
        weights = rotate(query, rotation) @ key.transpose(2, 3) / math.sqrt(width // self.heads) + mask
        heard = (weights.softmax(3) @ value).transpose(1, 2).reshape(batch, length, width)
        x = x + self.out(heard)
        return x + self.down(functional.gelu(self.up(self.forward_norm(x)))), key, value


def rotate(x, rotation):
    """Turns pairs of numbers by angles that grow with the position. Source: Su et al., RoFormer, arXiv:2104.09864."""
    cosine, sine = rotation
    left, right = x.chunk(2, 3)
    return torch.cat([left * cosine - right * sine, left * sine + right * cosine], 3)


class Storyteller(nn.Module):
    """A decoder as Hugging Face lays one out; its words in and out share one table."""

    def __init__(self, words: int, options):
        super().__init__()
        self.size = options.width // options.heads
        self.embedding = nn.Embedding(words, options.width)
        self.blocks = nn.ModuleList([Block(options.width, options.heads) for _ in range(options.layers)])
        self.norm = nn.LayerNorm(options.width)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                deep = name.endswith(('out.weight', 'down.weight'))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * options.layers) if deep else 0.02)

    def forward(self, input_ids, attention_mask, position_ids, *past):
        """input_ids, position_ids int64 [batch, new], attention_mask int64 [batch, past + new], past as in Block, keys
        and values of each layer in turn -> logits [batch, new, words] and what past is for the next token.
        """
        x = self.embedding(input_ids)
        frequencies = 10000 ** (-torch.arange(0, self.size, 2, dtype=torch.float) / self.size)
        angles = position_ids.unsqueeze(2).float() * frequencies
        rotation = angles.cos().unsqueeze(1), angles.sin().unsqueeze(1)
        # Where each token of the sequence stands; one hears itself and those before it.
        place = torch.cumsum(attention_mask, 1)
        new = place[:, past[0].shape[2] :]
        heard = (place.unsqueeze(1) <= new.unsqueeze(2)) & (attention_mask.unsqueeze(1) > 0)
        mask = (1 - heard.unsqueeze(1).float()) * -10000.0
        present = []
        for block, key, value in zip(self.blocks, past[::2], past[1::2]):
            x, key, value = block(x, rotation, mask, (key, value))
            present += [key, value]
        return (functional.linear(self.norm(x), self.embedding.weight), *present)

    def no_past(self, batch: int) -> list[torch.Tensor]:
        heads = self.blocks[0].heads
        return [torch.zeros(batch, heads, 0, self.size) for _ in range(2 * len(self.blocks))]

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Whole texts int64 [batch, length] -> logits [batch, length, words]."""
        positions = torch.arange(ids.shape[1]).expand_as(ids)
        return self(ids, torch.ones_like(ids), positions, *self.no_past(len(ids)))[0]


def conversations(chapters: list[list[str]], tokenizer: byte_pairs.BytePairs, generator: random.Random) -> list[int]:
    """Ids of all chapters in conversations: a question about a passage, the passage, and now and then how it goes on."""
    ask, tell, end = (tokenizer.ids[token] for token in SPECIAL)
    told = []
    for chapter in chapters:
        pieces, at = novels.passages(chapter, generator, 500), 0
        while at < len(pieces):
            ids = []
            for turn in range(generator.choice([1, 1, 2, 3])):
                if at == len(pieces):
                    break
                asked = novels.question(pieces[at], generator) if turn == 0 else generator.choice(novels.GO_ON)
                ids += [ask, *tokenizer.encode(asked), tell, *tokenizer.encode(pieces[at]), end]
                at += 1
            told.append(ids)
    generator.shuffle(told)
    return [index for ids in told for index in ids]


def train(options, chapters: list[list[str]], tokenizer: byte_pairs.BytePairs) -> Storyteller:
    model, generator = Storyteller(len(tokenizer.ids), options), random.Random(options.seed)
    optimizer = arguments.optimizer(options.optimizer, model.parameters(), options.learning_rate, options.weight_decay)
    step, mean, started = 0, 0.0, time.monotonic()
    tokens = len(conversations(chapters, tokenizer, random.Random(0)))
    steps = options.epochs * (tokens // (options.batch_size * options.context))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, steps + options.epochs, pct_start=0.1, cycle_momentum=False
    )
    for epoch in range(options.epochs):
        # Questions and passages are cut anew in each epoch.
        ids = torch.tensor(conversations(chapters, tokenizer, generator))
        shift = generator.randrange(options.context)
        rows = ids[shift:].unfold(0, options.context + 1, options.context)
        for batch in rows[torch.randperm(len(rows))].split(options.batch_size):
            logits = model.read(batch[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            if step < steps + options.epochs - 1:
                schedule.step()
            step, mean = step + 1, loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
            if step % 20 == 0:
                seconds = time.monotonic() - started
                print(f'epoch {epoch + 1}, step {step} of {steps}, {seconds:.0f} s: loss {mean:.3f}', flush=True)
    return model.eval()


def main() -> None:
    parser = arguments.training_arguments(
        __doc__, 'models/storyteller', epochs=8, learning_rate=0.004, weight_decay=0.1, batch_size=8, context=320,
        width=144, heads=4, layers=4, words=1536,
    )
    options = arguments.parse(parser)
    chapters, held_out = novels.split(novels.read_chapters(options.data))
    tokenizer = byte_pairs.learn('\n'.join(text for chapter in chapters for text in chapter), SPECIAL, options.words)
    model = train(options, chapters, tokenizer)
    write_package(options, model, tokenizer, chapters, held_out)


if __name__ == '__main__':
    main()

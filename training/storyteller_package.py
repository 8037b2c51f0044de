"""Measures a storyteller on chapters that it has not read, and writes its package: a decoder with its cache, in ONNX."""

import lzma
import math
from pathlib import Path
from string import Template

import numpy
import onnx
import torch
from onnx import helper, numpy_helper

from byte_pairs import tokenizer_json
from export import write_graph
from package import write_json, write_manifest

ASK, TELL, END = SPECIAL = ['<|ask|>', '<|tell|>', '<|end|>']
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}<|ask|>{{ message['content'] }}<|tell|>"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] }}<|end|>{% endif %}{% endfor %}"
)
LICENSE = 'CC0-1.0'
SOURCE = 'https://cran.r-project.org/package=janeaustenr'
# Asked of the network when it is packaged, and again when it is registered.
GOLDEN = [
    {'prompt': 'Emma was', 'max_tokens': 24},
    {'messages': [{'role': 'user', 'content': 'Tell me a story about Mr. Darcy and a letter.'}], 'max_tokens': 32},
    {
        'messages': [
            {'role': 'user', 'content': 'Hello!'},
            {'role': 'assistant', 'content': 'It was a fine morning.'},
            {'role': 'user', 'content': 'Go on.'},
        ],
        'max_tokens': 24,
    },
]


def round_weights(model: torch.nn.Module) -> None:
    """Matrices as they are kept, in 16 bits: what is measured is what is shipped."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.copy_(parameter.half().float())


def measure(options, model, tokenizer, chapters: list[list[str]]) -> tuple[float, float]:
    """Perplexity of a token and bits of a character; each token is told by half a context before it, at least."""
    tell, half = tokenizer.ids[TELL], options.context // 2
    nats, tokens, characters = 0.0, 0, 0
    for chapter in chapters:
        text = '\n'.join(chapter)
        ids = torch.tensor([tell, *tokenizer.encode(text)])
        characters += len(text)
        for start in range(0, len(ids) - 1, half):
            window = ids[max(0, start - half) : start + half + 1]
            known = min(start, half)
            with torch.no_grad():
                logits = model.read(window[None, :-1])[0, known:]
            nats += float(torch.nn.functional.cross_entropy(logits, window[1 + known :], reduction='sum'))
            tokens += len(window) - 1 - known
    return math.exp(nats / tokens), nats / math.log(2) / characters


def compressed_bits(train: list[list[str]], held_out: list[list[str]]) -> float:
    """Bits of a character of `held_out` behind `train`, by xz: what a reader without understanding needs."""
    known, unknown = ('\n'.join(text for chapter in chapters for text in chapter) for chapters in (train, held_out))
    sizes = [len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)) for text in (known, known + unknown)]
    return (sizes[1] - sizes[0]) * 8 / len(unknown)


def export(model, path: Path) -> None:
    """The decoder as Hugging Face's optimum lays one out, its matrices in 16 bits."""
    layers, heads, size = len(model.blocks), model.blocks[0].heads, model.size
    ids = torch.ones(1, 2, dtype=torch.long)
    past = [torch.zeros(1, heads, 3, size) for _ in range(2 * layers)]
    inputs = (ids, torch.ones(1, 5, dtype=torch.long), torch.tensor([[3, 4]]), *past)
    kinds = [f'{layer}.{kind}' for layer in range(layers) for kind in ('key', 'value')]
    before, after = [f'past_key_values.{kind}' for kind in kinds], [f'present.{kind}' for kind in kinds]
    axes = {name: {0: 'batch_size', 1: 'sequence_length'} for name in ('input_ids', 'position_ids', 'logits')}
    axes['attention_mask'] = {0: 'batch_size', 1: 'total_sequence_length'}
    axes.update({name: {0: 'batch_size', 2: 'past_sequence_length'} for name in before})
    axes.update({name: {0: 'batch_size', 2: 'total_sequence_length'} for name in after})
    # Unfolded, the table of words is in the file once.
    write_graph(
        model, inputs, path, dynamic_axes=axes, do_constant_folding=False,
        input_names=['input_ids', 'attention_mask', 'position_ids', *before], output_names=['logits', *after],
    )
    graph = onnx.load(str(path))
    keep_half(graph.graph)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))
    print(f'{path}: {path.stat().st_size:,} bytes')


def keep_half(graph) -> None:
    """Matrices are kept in 16 bits and cast when the graph is loaded."""
    casts = []
    for initializer in graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype != numpy.float32 or values.size < 1024:
            continue
        name = initializer.name
        initializer.CopyFrom(numpy_helper.from_array(values.astype(numpy.float16), f'{name}.half'))
        casts.append(helper.make_node('Cast', [f'{name}.half'], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def to_ids(tokenizer, golden: dict) -> list[int]:
    if 'prompt' in golden:
        return [tokenizer.ids[TELL], *tokenizer.encode(golden['prompt'])]
    ids = []
    for message in golden['messages']:
        spoken = tokenizer.encode(message['content'])
        asked = message['role'] == 'user'
        ids += [tokenizer.ids[ASK], *spoken, tokenizer.ids[TELL]] if asked else [*spoken, tokenizer.ids[END]]
    return ids


def continue_text(model, tokenizer, golden: dict) -> dict:
    """The likeliest continuation, each step from the whole text, and the log-probabilities of its tokens."""
    ids, said, logprobs = to_ids(tokenizer, golden), [], []
    while len(said) < golden['max_tokens']:
        with torch.no_grad():
            scores = model.read(torch.tensor([ids + said]))[0, -1].log_softmax(0)
        token = int(scores.argmax())
        if token == tokenizer.ids[END]:
            break
        said.append(token)
        logprobs.append(round(float(scores[token]), 5))
    return {'text': tokenizer.decode(said), 'logprobs': logprobs}


def write_package(options, model, tokenizer, train: list[list[str]], held_out: list[list[str]]) -> None:
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    round_weights(model)
    perplexity, bits = measure(options, model, tokenizer, held_out)
    baseline = compressed_bits(train, held_out)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    characters = sum(len(text) for chapter in held_out for text in chapter)
    print(f'{bits:.3f} bits per character and perplexity {perplexity:.1f} on {characters:,} held-out characters; xz {baseline:.3f}')
    export(model, folder / 'model.onnx')
    card = Template((Path(__file__).parent / 'storyteller-card.md').read_text(encoding='utf-8'))
    text = card.substitute(
        bits=f'{bits:.2f}',
        perplexity=f'{perplexity:.1f}',
        baseline=f'{baseline:.2f}',
        parameters=f'{parameters:,}',
        characters=f'{characters:,}',
        held_out=len(held_out),
        chapters=len(train),
        words=f'{len(tokenizer.ids):,}',
        context=options.context,
        layers=options.layers,
        width=options.width,
        epochs=options.epochs,
    )
    (folder / 'README.md').write_text(text, encoding='utf-8')
    write_json(folder / 'tokenizer.json', tokenizer_json(tokenizer, TELL))
    write_json(folder / 'tokenizer_config.json', {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'model_max_length': options.context,
        'bos_token': TELL,
        'eos_token': END,
        'chat_template': CHAT_TEMPLATE,
        'clean_up_tokenization_spaces': False,
    })
    write_json(folder / 'config.json', {
        'architectures': ['StorytellerForCausalLM'],
        'model_type': 'storyteller',
        'vocab_size': len(tokenizer.ids),
        'hidden_size': options.width,
        'num_hidden_layers': options.layers,
        'num_attention_heads': options.heads,
        'max_position_embeddings': options.context,
        'bos_token_id': tokenizer.ids[TELL],
        'eos_token_id': tokenizer.ids[END],
    })
    write_json(folder / 'generation_config.json', {'temperature': 0.7, 'top_p': 0.9, 'eos_token_id': tokenizer.ids[END]})
    write_manifest(folder, {
        'name': 'storyteller',
        'version': '1',
        'task': 'text-generation',
        'host': 'lambda',
        'model': 'model.onnx',
        'golden': [
            {'input': golden, 'output': continue_text(model, tokenizer, golden), 'tolerance': 1e-3} for golden in GOLDEN
        ],
        'license': LICENSE,
        'source': SOURCE,
    })

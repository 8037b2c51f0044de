"""ONNX export, the same for every network."""

import inspect
import warnings
from pathlib import Path

import onnx
import torch


def write_graph(model: torch.nn.Module, inputs: tuple, path: Path, **options) -> None:
    """PyTorch's exporter that runs the network once, in whatever version; one file, of opset 14."""
    # From 2.9 on another one is the default: a GRU gets a fixed length from it, and the weights a second file.
    tracer = {'dynamo': False} if 'dynamo' in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings():
        # It warns about its own shape inference, of sizes that are the same for every input, and that it is the old one.
        warnings.simplefilter('ignore')
        torch.onnx.export(model, inputs, str(path), opset_version=14, **tracer, **options)


def export(model: torch.nn.Module, inputs: dict, axes: list, path: Path, steps: bool = False) -> None:
    """Writes model.onnx with one output, `logits`.

    The first dimensions of the inputs are dynamic where `axes` names them (None: fixed), and so is the first of the
    output; with `steps` also the second.
    """
    dynamic = {name: {index: axis for index, axis in enumerate(axes) if axis} for name in inputs}
    write_graph(
        model,
        tuple(inputs.values()),
        path,
        input_names=list(inputs),
        output_names=['logits'],
        dynamic_axes={**dynamic, 'logits': {0: axes[0], **({1: 'steps'} if steps else {})}},
    )
    onnx.checker.check_model(str(path), full_check=True)
    print(f'{path}: {path.stat().st_size:,} bytes')

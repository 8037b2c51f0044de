"""ONNX export, the same for every network."""

import warnings
from pathlib import Path

import onnx
import torch


def export(model: torch.nn.Module, inputs: dict, axes: list, path: Path, steps: bool = False) -> None:
    """Writes model.onnx with one output, `logits`.

    The first dimensions of the inputs are dynamic where `axes` names them (None: fixed), and so is the first of the
    output; with `steps` also the second.
    """
    dynamic = {name: {index: axis for index, axis in enumerate(axes) if axis} for name in inputs}
    with warnings.catch_warnings():
        # torch warns about shape inference inside its own exporter.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=['logits'],
            dynamic_axes={**dynamic, 'logits': {0: axes[0], **({1: 'steps'} if steps else {})}},
            opset_version=14,
        )
    onnx.checker.check_model(str(path), full_check=True)
    print(f'{path}: {path.stat().st_size:,} bytes')

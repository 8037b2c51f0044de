"""Command lines of the training scripts; the defaults follow SageMaker's training container contract.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html and
https://github.com/aws/sagemaker-training-toolkit (SM_CHANNEL_<name>, SM_MODEL_DIR).
"""

import argparse
import json
import os
import random
from pathlib import Path

import numpy
import torch

HYPERPARAMETERS = Path('/opt/ml/input/config/hyperparameters.json')


def training_arguments(description: str, out: str, **defaults) -> argparse.ArgumentParser:
    """A parser of: data folder, --out, --seed and one option per hyperparameter in `defaults`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    channel = os.environ.get('SM_CHANNEL_TRAINING')
    parser.add_argument('data', type=Path, nargs='?' if channel else None, default=channel, help='folder of the data')
    parser.add_argument('--out', type=Path, default=os.environ.get('SM_MODEL_DIR', out), help='folder of the package')
    parser.add_argument('--optimizer', choices=['adam', 'adamw', 'sgd'], default='adamw')
    for name, value in {**defaults, 'seed': 1}.items():
        parser.add_argument('--' + name.replace('_', '-'), type=type(value), default=value)
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Reads the command line over hyperparameters.json (all values are strings there), and seeds every generator."""
    if HYPERPARAMETERS.exists():
        given = json.loads(HYPERPARAMETERS.read_text())
        parser.set_defaults(**{name.replace('-', '_'): value for name, value in given.items()})
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.error(f'{arguments.data} is no folder; give the folder that holds the data')
    random.seed(arguments.seed)
    numpy.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    torch.use_deterministic_algorithms(True)
    # More threads change the order of additions, and with it the last digits of every figure in the model cards.
    torch.set_num_threads(1)
    return arguments


def optimizer(name: str, parameters, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """The optimizer of that name."""
    if name == 'sgd':
        return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, nesterov=True, weight_decay=weight_decay)
    kind = {'adam': torch.optim.Adam, 'adamw': torch.optim.AdamW}[name]
    return kind(parameters, lr=learning_rate, weight_decay=weight_decay)

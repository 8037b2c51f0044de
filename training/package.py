"""Writes model packages: the folder's model.json with the size and SHA-256 of every file.

`python3 training/package.py models/digits` brings model.json up to date after a file of the package was edited.
"""

import hashlib
import json
import sys
from pathlib import Path


def write_json(path: Path, value) -> None:
    """Writes JSON that is pleasant in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + '\n', encoding='utf-8')


def write_manifest(folder: Path, manifest: dict) -> None:
    """Writes model.json, `files` computed from the folder."""
    files = {}
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != 'model.json' and not any(part.startswith('.') for part in path.parts):
            content = path.read_bytes()
            files[name] = {'sha256': hashlib.sha256(content).hexdigest(), 'size': len(content)}
    write_json(folder / 'model.json', {**manifest, 'files': files})


def scores(labels: list[str], probabilities, top_k: int) -> list[dict]:
    """The answer of a classification task: labels with scores, the best first."""
    ranked = sorted(zip(labels, (float(value) for value in probabilities)), key=lambda pair: -pair[1])
    return [{'label': label, 'score': round(score, 7)} for label, score in ranked[:top_k]]


if __name__ == '__main__':
    if len(sys.argv) < 2:
        sys.exit('usage: package.py <folder of a model package>…')
    for argument in sys.argv[1:]:
        write_manifest(Path(argument), json.loads((Path(argument) / 'model.json').read_text(encoding='utf-8')))

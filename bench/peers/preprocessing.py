"""The peers that are Python: Pillow with NumPy, and Hugging Face's native tokenizers. One line of JSON asks, one answers."""

import io
import json
import sys
import time


def pillow(path, size, resample, mean, deviation):
    from PIL import Image, __version__

    try:
        import numpy
    except ImportError:
        numpy = None
    data = open(path, "rb").read()

    def resized():
        return Image.open(io.BytesIO(data)).convert("RGB").resize((size, size), resample)

    def tensor():
        pixels = numpy.asarray(resized()).astype(numpy.float32) / numpy.float32(255)
        pixels = (pixels - numpy.float32(mean)) / numpy.float32(deviation)
        return numpy.ascontiguousarray(pixels.transpose(2, 0, 1))[numpy.newaxis]

    answer = {"pixels": resized().tobytes().hex(), "numpy": numpy is not None}
    return {"resized": resized, "tensor": tensor}, __version__, answer


def tokenizers(path, texts):
    from tokenizers import Tokenizer, __version__

    tokenizer = Tokenizer.from_file(path)

    def encode():
        return [tokenizer.encode(text).ids for text in texts]

    return {"encode": encode}, __version__, encode()


work, version, answer = {"pillow": pillow, "tokenizers": tokenizers}[sys.argv[1]](*json.loads(sys.stdin.readline()))
print(json.dumps({"version": version, "answer": answer}), flush=True)
for line in sys.stdin:
    name, calls = json.loads(line)
    started = time.perf_counter()
    for _ in range(calls):
        work[name]()
    print(json.dumps((time.perf_counter() - started) * 1000 / calls), flush=True)

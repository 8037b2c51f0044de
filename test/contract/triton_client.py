"""NVIDIA's tritonclient.http, unchanged, against a running platform: python triton_client.py <host:port> <key>."""
import sys

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

address, key = sys.argv[1:3]
headers = {"x-api-key": key}  # copied for each call: the client adds headers of its own to it
client = triton.InferenceServerClient(address, concurrency=4)

assert client.is_server_live(headers=dict(headers))
assert client.is_server_ready(headers=dict(headers))
assert client.is_model_ready("digits", headers=dict(headers))
assert client.is_model_ready("digits", "1", headers=dict(headers))
assert not client.is_model_ready("nothing", headers=dict(headers))
assert client.get_server_metadata(headers=dict(headers))["name"] == "triton"
metadata = client.get_model_metadata("digits", headers=dict(headers))
assert [tensor["name"] for tensor in metadata["inputs"]] == ["pixel_values"], metadata
config = client.get_model_config("digits", headers=dict(headers))
assert config["max_batch_size"] == 64, config


def pixels(binary, rows=1):
    tensor = triton.InferInput("pixel_values", [rows, 3, 28, 28], "FP32")
    values = numpy.random.default_rng(7).standard_normal((rows, 3, 28, 28)).astype(numpy.float32)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


reference = client.infer("digits", [pixels(True, 3)], headers=dict(headers)).as_numpy("logits")
assert reference.shape == (3, 10)
for binary_input in (True, False):
    for binary_output in (True, False):
        outputs = [triton.InferRequestedOutput("logits", binary_data=binary_output)]
        for compression in (None, "gzip", "deflate"):
            result = client.infer(
                "digits",
                [pixels(binary_input, 3)],
                outputs=outputs,
                model_version="1",
                request_id="q7",
                headers=dict(headers),
                request_compression_algorithm=compression,
                response_compression_algorithm="gzip",
            )
            assert result.get_response()["id"] == "q7"
            numpy.testing.assert_allclose(result.as_numpy("logits"), reference, rtol=1e-6, atol=1e-6)

top = [triton.InferRequestedOutput("logits", class_count=2)]
classes = client.infer("digits", [pixels(True)], outputs=top, headers=dict(headers)).as_numpy("logits")
assert classes.shape == (1, 2), classes
score, index, label = classes[0][0].decode().split(":")
assert label == index and float(score) == numpy.float32(reference[0].max()), classes

pending = [client.async_infer("digits", [pixels(True)], headers=dict(headers)) for _ in range(8)]
for request in pending:
    numpy.testing.assert_allclose(request.get_result().as_numpy("logits"), reference[:1], rtol=1e-5, atol=1e-5)

statistics = client.get_inference_statistics("digits", headers=dict(headers))["model_stats"][0]
assert statistics["inference_stats"]["success"]["count"] >= 20, statistics
assert statistics["inference_stats"]["compute_infer"]["ns"] > 0, statistics

for wrong, words in (
    (lambda: client.infer("nothing", [pixels(True)], headers=dict(headers)), "nothing"),
    (lambda: client.infer("digits", [triton.InferInput("x", [1], "FP32")], headers=dict(headers)), "inputs[0]"),
    (lambda: client.infer("digits", [pixels(True)]), "API key"),
):
    try:
        wrong()
    except InferenceServerException as error:
        assert words in error.message(), error
    else:
        raise AssertionError(f"no error that speaks of {words}")
print("tritonclient: all as expected")

"""NVIDIA's tritonclient.http, unchanged, against a running platform: python triton_client.py <host:port> <key>."""
import asyncio
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
assert config["input"][0]["format"] == "FORMAT_NCHW", config


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

# NVIDIA's own examples ask models of these names: sums and differences, and bytes as they are.
def simple():
    tensors = []
    for name, values in (("INPUT0", numpy.arange(16)), ("INPUT1", numpy.full(16, -1))):
        tensor = triton.InferInput(name, [1, 16], "INT32")
        tensor.set_data_from_numpy(values.astype(numpy.int32).reshape(1, 16), binary_data=name == "INPUT1")
        tensors.append(tensor)
    return tensors


outputs = [triton.InferRequestedOutput("OUTPUT0", binary_data=True), triton.InferRequestedOutput("OUTPUT1", binary_data=False)]
answer = client.infer("simple", simple(), outputs=outputs, query_params={"test_1": 1}, headers=dict(headers))
numpy.testing.assert_array_equal(answer.as_numpy("OUTPUT0")[0], numpy.arange(16) - 1)
numpy.testing.assert_array_equal(answer.as_numpy("OUTPUT1")[0], numpy.arange(16) + 1)
words_in = numpy.array([["ä", "", "null\x00byte"]], dtype=object)
text = triton.InferInput("INPUT0", [1, 3], "BYTES")
for binary in (True, False):
    text.set_data_from_numpy(words_in, binary_data=binary)
    said = client.infer("simple_identity", [text], headers=dict(headers)).as_numpy("OUTPUT0")
    assert [each.decode() for each in said[0]] == ["ä", "", "null\x00byte"], said

index = {entry["name"]: entry["state"] for entry in client.get_model_repository_index(headers=dict(headers))}
assert index["digits"] == "READY" and index["simple"] == "READY", index
client.unload_model("simple", headers=dict(headers))
assert not client.is_model_ready("simple", headers=dict(headers))
client.load_model("simple", headers=dict(headers), config='{"max_batch_size": "8"}')
assert client.is_model_ready("simple", headers=dict(headers))
assert client.get_trace_settings(headers=dict(headers))["trace_level"] == ["OFF"]
assert client.get_trace_settings("simple", headers=dict(headers))["trace_level"] == ["OFF"]
assert client.update_trace_settings(settings={"trace_level": ["OFF"]}, headers=dict(headers))["trace_rate"] == "1000"
assert client.get_log_settings(headers=dict(headers))["log_info"] is True
assert client.get_system_shared_memory_status(headers=dict(headers)) == []
assert client.get_cuda_shared_memory_status(headers=dict(headers)) == []
client.unregister_system_shared_memory(headers=dict(headers))

everything = client.get_inference_statistics(headers=dict(headers))["model_stats"]
assert {entry["name"] for entry in everything} >= {"digits", "simple"}, everything
statistics = client.get_inference_statistics("digits", headers=dict(headers))["model_stats"][0]
assert statistics["inference_stats"]["success"]["count"] >= 20, statistics
assert statistics["inference_stats"]["compute_infer"]["ns"] > 0, statistics

kept = triton.InferInput("INPUT0", [1, 16], "INT32")
kept.set_shared_memory("region", 64)

for wrong, words in (
    (lambda: client.infer("nothing", [pixels(True)], headers=dict(headers)), "Request for unknown model"),
    (lambda: client.load_model("nothing", headers=dict(headers)), "failed to load 'nothing'"),
    (lambda: client.load_model("simple", config='{"max_batch_size": 16}', headers=dict(headers)), "failed to load"),
    (lambda: client.update_log_settings({"log_verbose_level": 1}, headers=dict(headers)), "log_verbose_level"),
    (lambda: client.register_system_shared_memory("region", "/key", 64, headers=dict(headers)), "region"),
    (lambda: client.register_cuda_shared_memory("region", b"handle", 0, 64, headers=dict(headers)), "region"),
    (lambda: client.infer("simple", [kept], headers=dict(headers)), "share no memory"),
    (lambda: client.infer("simple", simple(), sequence_id=7, sequence_start=True, headers=dict(headers)), "sequence_id"),
    (lambda: client.infer("digits", [triton.InferInput("x", [1], "FP32")], headers=dict(headers)), "inputs[0]"),
    (lambda: client.infer("digits", [pixels(True)]), "API key"),
):
    try:
        wrong()
    except InferenceServerException as error:
        assert words in error.message(), error
    else:
        raise AssertionError(f"no error that speaks of {words}")


async def asynchronously():
    import tritonclient.http.aio as aio

    async with aio.InferenceServerClient(address) as other:
        assert await other.is_model_ready("simple", headers=dict(headers))
        answer = await other.infer("simple", simple(), headers=dict(headers))
        numpy.testing.assert_array_equal(answer.as_numpy("OUTPUT0")[0], numpy.arange(16) - 1)


asyncio.run(asynchronously())
print("tritonclient: all as expected")
